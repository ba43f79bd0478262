CREATE TABLE made (PRIMARY KEY (id)) SELECT * FROM t;
INSERT INTO made VALUES (7, 'not followed');
INSERT INTO t VALUES (4, 'after');
DROP TABLE made;
INSERT INTO t VALUES (5, 'and after');
