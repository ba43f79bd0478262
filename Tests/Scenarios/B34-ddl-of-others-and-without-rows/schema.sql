CREATE TABLE t (id int PRIMARY KEY, v varchar(40));
INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c');
CREATE TABLE pt (id int, r int, PRIMARY KEY (id, r)) PARTITION BY RANGE (r) (PARTITION low VALUES LESS THAN (10), PARTITION high VALUES LESS THAN (20));
INSERT INTO pt VALUES (1, 1), (2, 11);
CREATE TABLE other (id int PRIMARY KEY, v varchar(9));
INSERT INTO other VALUES (1, 'x');
