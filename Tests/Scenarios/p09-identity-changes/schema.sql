CREATE TABLE changing (id int PRIMARY KEY, code text NOT NULL UNIQUE, v int);
INSERT INTO changing SELECT g, 'c' || g, g FROM generate_series(1, 20) g;
