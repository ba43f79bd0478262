CREATE TABLE twins (id int PRIMARY KEY, name text, "Name" text, "NAME" text);
INSERT INTO twins VALUES (1, 'a', 'b', 'c');
