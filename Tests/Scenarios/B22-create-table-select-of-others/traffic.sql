INSERT INTO t VALUES (4, 'before');
CREATE TABLE copied AS SELECT * FROM t;
CREATE TABLE alike LIKE t;
INSERT INTO t SELECT id + 10, v FROM copied;
DROP TABLE copied, alike;
