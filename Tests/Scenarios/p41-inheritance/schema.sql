CREATE TABLE animals (id int PRIMARY KEY, name text);
CREATE TABLE birds (wings int, PRIMARY KEY (id)) INHERITS (animals);
INSERT INTO animals SELECT g, 'a' || g FROM generate_series(1, 5) g;
INSERT INTO birds SELECT g, 'b' || g, 2 FROM generate_series(3, 8) g;
