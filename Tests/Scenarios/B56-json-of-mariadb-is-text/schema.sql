CREATE TABLE t (id int PRIMARY KEY, j json);
INSERT INTO t VALUES (1, '{ "b": 1,  "a": 1.10, "a": 18446744073709551616 }');
