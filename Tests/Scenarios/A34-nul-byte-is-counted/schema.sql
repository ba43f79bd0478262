SET sql_mode = '';
CREATE TABLE t (id int PRIMARY KEY, v varchar(9), e enum('a', 'b'));
INSERT INTO t VALUES (1, concat('a', char(0)), 'a'), (2, 'b', 'c');
