UPDATE swapped SET k = 3 - k WHERE id IN (1, 2);
BEGIN;
UPDATE swapped SET k = 4 WHERE id = 3;
UPDATE swapped SET k = 5 WHERE id = 4;
UPDATE swapped SET k = 3 WHERE id = 5;
COMMIT;
-- A22: the value goes from one row to another, in one transaction and in two.
BEGIN;
DELETE FROM emails WHERE id = 1;
INSERT INTO emails VALUES (11, 'e1');
COMMIT;
DELETE FROM emails WHERE id = 2;
INSERT INTO emails VALUES (12, 'e2');
BEGIN;
UPDATE emails SET email = 'moved' WHERE id = 3;
UPDATE emails SET email = 'e3' WHERE id = 4;
COMMIT;
