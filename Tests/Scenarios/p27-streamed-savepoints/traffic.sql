BEGIN;
INSERT INTO streamed SELECT g, repeat('a', 100) FROM generate_series(1000, 2000) g;
SAVEPOINT x;
INSERT INTO streamed SELECT g, repeat('b', 100) FROM generate_series(3000, 4000) g;
UPDATE streamed SET v = 'undone' WHERE id < 100;
SAVEPOINT y;
DELETE FROM streamed WHERE id BETWEEN 1000 AND 1500;
ROLLBACK TO x;
INSERT INTO streamed SELECT g, repeat('c', 100) FROM generate_series(3000, 4500) g;
UPDATE streamed SET v = 'kept' WHERE id < 50;
COMMIT;
-- P29: streamed in part and rolled back.
BEGIN;
INSERT INTO streamed SELECT g, repeat('d', 100) FROM generate_series(10000, 12000) g;
ROLLBACK;
INSERT INTO streamed VALUES (0, 'last');
