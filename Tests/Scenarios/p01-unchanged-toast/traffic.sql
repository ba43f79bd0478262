-- P01: the value is not sent. P02: nor with a new key. P04: FULL has it in the old row only.
UPDATE documents SET version = 2 WHERE id <= 10;
UPDATE documents SET id = id + 100 WHERE id <= 5;
UPDATE full_documents SET version = 3;
UPDATE full_documents SET id = id + 100 WHERE id <= 5;
-- P03: a full row and then a partial one of the same key, in one transaction.
BEGIN;
INSERT INTO documents VALUES (500, repeat('new', 4000), 1);
UPDATE documents SET version = 2 WHERE id = 500;
UPDATE documents SET id = 501 WHERE id = 500;
UPDATE documents SET version = 3 WHERE id = 501;
COMMIT;
UPDATE documents SET body = repeat('y', 9000) WHERE id = 11;
UPDATE documents SET body = NULL WHERE id = 12;
UPDATE documents SET body = '' WHERE id = 13;
