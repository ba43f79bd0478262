-- Deleted, set to NULL and renamed by their parents, over two levels; a row that refers to its own table.
CREATE TABLE p (id int PRIMARY KEY, v int);
CREATE TABLE c (id int PRIMARY KEY, p int, v int, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE g (id int PRIMARY KEY, c int, FOREIGN KEY (c) REFERENCES c (id) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE n (id int PRIMARY KEY, p int, FOREIGN KEY (p) REFERENCES p (id) ON DELETE SET NULL ON UPDATE SET NULL);
CREATE TABLE k (p int, x int, PRIMARY KEY (p, x), FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE s (id int PRIMARY KEY, up int, FOREIGN KEY (up) REFERENCES s (id) ON DELETE SET NULL);
CREATE TABLE r (p int, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE);
INSERT INTO p VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6);
INSERT INTO c SELECT 10 * p.id + q.id, p.id, q.id FROM p, p AS q;
INSERT INTO g SELECT 10 * c.id + p.id, c.id FROM c, p;
INSERT INTO n SELECT 10 * p.id + q.id, p.id FROM p, p AS q;
INSERT INTO k SELECT p.id, q.id FROM p, p AS q;
INSERT INTO s VALUES (1, NULL), (2, 1), (3, 2), (4, 1), (5, 4), (6, NULL);
INSERT INTO r SELECT p.id FROM p, p AS q;
