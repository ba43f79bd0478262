CREATE SEQUENCE numbers;
CREATE TABLE t (id int DEFAULT nextval(numbers) PRIMARY KEY, v varchar(9));
INSERT INTO t (v) VALUES ('a'), ('b');
