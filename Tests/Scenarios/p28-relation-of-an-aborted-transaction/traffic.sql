-- The Relation message of this one is streamed, and wrong for everybody else.
BEGIN;
ALTER TABLE tentative ADD COLUMN c int;
INSERT INTO tentative SELECT g, repeat('x', 100), g FROM generate_series(100, 2000) g;
ROLLBACK;
INSERT INTO tentative VALUES (2, 'b');
UPDATE tentative SET v = 'c' WHERE id = 1;
