CREATE TABLE g (id int PRIMARY KEY, a int, v int GENERATED ALWAYS AS (a * 2) VIRTUAL, s int GENERATED ALWAYS AS (a * 3) STORED, hidden int INVISIBLE DEFAULT 7, last varchar(9));
INSERT INTO g (id, a, last) VALUES (1, 1, 'x'), (2, NULL, 'y');
UPDATE g SET hidden = 8 WHERE id = 2;
CREATE TABLE first (v int GENERATED ALWAYS AS (a + 1) STORED, id int PRIMARY KEY, a int, w varchar(30) GENERATED ALWAYS AS (concat(b, '!')) VIRTUAL, b varchar(20), KEY (w));
INSERT INTO first (id, a, b) VALUES (1, 10, 'x'), (2, NULL, NULL);
CREATE TABLE keyless (a int, v int GENERATED ALWAYS AS (a * 2) VIRTUAL, b varchar(9));
INSERT INTO keyless (a, b) VALUES (1, 'x'), (1, 'x'), (2, NULL);
