CREATE TABLE j (id int PRIMARY KEY, doc json);
INSERT INTO j VALUES (1, '{"a": 1, "b": [1, 2, 3]}');
