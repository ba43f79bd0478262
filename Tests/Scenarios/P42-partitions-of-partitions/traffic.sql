UPDATE parts SET at = 15 WHERE id = 5;
UPDATE parts SET at = (at + 10) % 20 WHERE id BETWEEN 50 AND 80;
UPDATE parts SET v = 'changed' WHERE at = 12;
DELETE FROM parts WHERE at = 13;
INSERT INTO parts VALUES (1000, 3, 'new'), (1001, 17, 'new');
BEGIN;
TRUNCATE parts;
INSERT INTO parts SELECT g, g % 20, 'again' FROM generate_series(1, 50) g;
COMMIT;
