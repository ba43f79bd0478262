DELETE FROM readings WHERE ctid = (SELECT min(ctid) FROM readings WHERE a = 1);
UPDATE readings SET b = 'y' WHERE ctid = (SELECT min(ctid) FROM readings WHERE a = 1);
DELETE FROM readings WHERE ctid = (SELECT min(ctid) FROM readings WHERE a = 2);
INSERT INTO readings VALUES (NULL, NULL), (3, ''), (3, '');
UPDATE readings SET a = 4 WHERE ctid = (SELECT min(ctid) FROM readings WHERE a IS NULL);
BEGIN;
INSERT INTO readings VALUES (5, 'z'), (5, 'z');
DELETE FROM readings WHERE ctid = (SELECT min(ctid) FROM readings WHERE a = 5);
COMMIT;
