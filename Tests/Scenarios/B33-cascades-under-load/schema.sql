-- Without ON UPDATE CASCADE also a server whose snapshots have no exact position is followed:
-- --source mysql97 --set innodb_native_foreign_keys=ON
CREATE TABLE n (g int PRIMARY KEY);
INSERT INTO n VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);
CREATE TABLE p (id int PRIMARY KEY, v int);
CREATE TABLE c (id int PRIMARY KEY, p int, v int, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE SET NULL);
CREATE TABLE s (id binary(4) PRIMARY KEY, p int, FOREIGN KEY (p) REFERENCES p (id) ON DELETE SET NULL ON UPDATE SET NULL);
INSERT INTO p SELECT 1 + a.g + 10 * b.g + 100 * c.g, 0 FROM n a, n b, n c;
INSERT INTO c SELECT 10 * p.id + a.g + 10000 * b.g, 1000 - p.id + 1, 0 FROM p, n a, n b WHERE b.g < 4;
INSERT INTO s SELECT unhex(lpad(hex(10 * id + g), 8, '0')), id FROM p, n;
