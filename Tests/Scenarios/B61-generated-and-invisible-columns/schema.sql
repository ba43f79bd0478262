CREATE TABLE g (id int PRIMARY KEY, a int, v int GENERATED ALWAYS AS (a * 2) VIRTUAL, s int GENERATED ALWAYS AS (a * 3) STORED, hidden int INVISIBLE DEFAULT 7, last varchar(9));
INSERT INTO g (id, a, last) VALUES (1, 1, 'x'), (2, NULL, 'y');
UPDATE g SET hidden = 8 WHERE id = 2;
