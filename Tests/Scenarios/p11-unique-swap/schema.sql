CREATE TABLE swapped (id int PRIMARY KEY, k int UNIQUE DEFERRABLE INITIALLY DEFERRED);
INSERT INTO swapped SELECT g, g FROM generate_series(1, 10) g;
CREATE TABLE emails (id int PRIMARY KEY, email text UNIQUE);
INSERT INTO emails SELECT g, 'e' || g FROM generate_series(1, 10) g;
