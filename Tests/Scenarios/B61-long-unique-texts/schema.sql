CREATE TABLE u (id int PRIMARY KEY, b text, UNIQUE (b));
INSERT INTO u VALUES (1, 'one'), (2, NULL);
