CREATE TABLE a (id int PRIMARY KEY, v varchar(20));
CREATE TABLE b (id int PRIMARY KEY, a int, v varchar(20));
INSERT INTO a VALUES (1, 'x'), (2, 'y');
INSERT INTO b VALUES (10, 1, 'p'), (11, 1, 'q'), (12, 2, 'r');
