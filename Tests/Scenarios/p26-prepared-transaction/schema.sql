CREATE TABLE prepared (id int PRIMARY KEY, v text);
INSERT INTO prepared VALUES (1, 'before');
