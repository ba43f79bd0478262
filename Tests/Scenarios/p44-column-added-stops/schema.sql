CREATE TABLE grows (id int PRIMARY KEY, v text);
INSERT INTO grows VALUES (1, 'a');
