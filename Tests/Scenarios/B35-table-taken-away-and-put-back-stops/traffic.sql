RENAME TABLE t TO gone;
CREATE TABLE t (id int PRIMARY KEY, v varchar(40));
INSERT INTO t VALUES (1, 'other');
DROP TABLE gone;
