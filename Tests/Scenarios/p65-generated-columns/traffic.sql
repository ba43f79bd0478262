INSERT INTO computed (id, a, b) VALUES (100, 7, NULL);
UPDATE computed SET a = a + 1 WHERE id < 5;
UPDATE computed SET b = 'c' WHERE id = 6;
DELETE FROM computed WHERE id = 7;
