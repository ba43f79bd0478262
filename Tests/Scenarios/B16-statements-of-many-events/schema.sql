CREATE TABLE t (id int PRIMARY KEY, v varchar(40));
CREATE TABLE digits (d int PRIMARY KEY);
INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);
