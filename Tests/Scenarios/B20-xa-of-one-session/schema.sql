CREATE TABLE t (id int PRIMARY KEY, v varchar(40));
INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c');
