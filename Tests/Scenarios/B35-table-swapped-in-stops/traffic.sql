CREATE TABLE _t_gho (id int PRIMARY KEY, v varchar(40), n int DEFAULT 5);
INSERT INTO _t_gho (id, v) SELECT * FROM t;
RENAME TABLE t TO _t_del, _t_gho TO t;
INSERT INTO t VALUES (4, 'd', 4);
