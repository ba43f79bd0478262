-- What is not followed: over two levels, to the own table, without a key, of keys, by texts, by one column twice.
CREATE TABLE p (id int PRIMARY KEY, name varchar(20) COLLATE utf8mb4_general_ci UNIQUE, plain int, KEY (plain), UNIQUE (id, plain));
CREATE TABLE chain (id int PRIMARY KEY, p int, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE);
CREATE TABLE link (id int PRIMARY KEY, c int, FOREIGN KEY (c) REFERENCES chain (id) ON DELETE SET NULL);
CREATE TABLE own (id int PRIMARY KEY, up int, FOREIGN KEY (up) REFERENCES own (id) ON DELETE SET NULL);
CREATE TABLE keyless (p int, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE);
CREATE TABLE moves (p int PRIMARY KEY, FOREIGN KEY (p) REFERENCES p (id) ON UPDATE CASCADE);
CREATE TABLE folds (id int PRIMARY KEY, name varchar(20) COLLATE utf8mb4_general_ci, FOREIGN KEY (name) REFERENCES p (name) ON DELETE CASCADE);
CREATE TABLE shared (id int PRIMARY KEY, a int, b int, FOREIGN KEY (a) REFERENCES p (id) ON DELETE SET NULL, FOREIGN KEY (a, b) REFERENCES p (id, plain) ON DELETE CASCADE);
CREATE TABLE plain (id int PRIMARY KEY, p int, FOREIGN KEY (p) REFERENCES p (plain) ON DELETE CASCADE);
