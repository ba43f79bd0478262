CREATE TABLE streamed (id int PRIMARY KEY, v text);
INSERT INTO streamed SELECT g, 'v' FROM generate_series(1, 100) g;
