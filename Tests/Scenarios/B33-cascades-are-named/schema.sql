-- What is not followed: in a circle, without a key, by texts, by one column twice, by what is not unique.
CREATE TABLE p (id int PRIMARY KEY, name varchar(20) COLLATE utf8mb4_general_ci UNIQUE, plain int, KEY (plain), UNIQUE (id, plain));
CREATE TABLE chain (id int PRIMARY KEY, p int, code int UNIQUE, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE);
CREATE TABLE link (id int PRIMARY KEY, c int, FOREIGN KEY (c) REFERENCES chain (code) ON DELETE SET NULL);
CREATE TABLE egg (id int PRIMARY KEY, hen int);
CREATE TABLE hen (id int PRIMARY KEY, egg int, FOREIGN KEY (egg) REFERENCES egg (id) ON DELETE CASCADE);
ALTER TABLE egg ADD CONSTRAINT egg_hen FOREIGN KEY (hen) REFERENCES hen (id) ON DELETE CASCADE;
CREATE TABLE keyless (p int, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE);
CREATE TABLE folds (id int PRIMARY KEY, name varchar(20) COLLATE utf8mb4_general_ci, FOREIGN KEY (name) REFERENCES p (name) ON DELETE CASCADE);
CREATE TABLE shared (id int PRIMARY KEY, a int, b int, FOREIGN KEY (a) REFERENCES p (id) ON DELETE SET NULL, FOREIGN KEY (a, b) REFERENCES p (id, plain) ON DELETE CASCADE);
CREATE TABLE plain (id int PRIMARY KEY, p int, FOREIGN KEY (p) REFERENCES p (plain) ON DELETE CASCADE);
