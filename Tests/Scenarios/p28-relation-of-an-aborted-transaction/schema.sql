CREATE TABLE tentative (id int PRIMARY KEY, v text);
INSERT INTO tentative VALUES (1, 'a');
