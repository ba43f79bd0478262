INSERT INTO t (v) VALUES ('c');
SELECT nextval(numbers);
INSERT INTO t (v) VALUES ('d');
