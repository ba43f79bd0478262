CREATE TABLE rewritten (id int PRIMARY KEY, v text);
INSERT INTO rewritten VALUES (1, 'a');
