DELETE FROM p WHERE id = 1;
UPDATE p SET id = 20, v = v + 1 WHERE id = 2;
UPDATE c SET id = id + 1000 WHERE p = 3;
DELETE FROM s WHERE id = 1;
-- One key deleted, made again, and given to others within a transaction.
START TRANSACTION;
DELETE FROM p WHERE id = 3;
INSERT INTO p VALUES (3, 33);
INSERT INTO c VALUES (31, 3, 3), (32, 3, 3);
INSERT INTO k VALUES (3, 1);
UPDATE p SET id = 30 WHERE id = 3;
UPDATE p SET id = 3 WHERE id = 4;
DELETE FROM c WHERE id = 31;
COMMIT;
-- Without checks nothing cascades at the source.
SET foreign_key_checks = 0;
DELETE FROM p WHERE id = 5;
UPDATE p SET id = 60 WHERE id = 6;
SET foreign_key_checks = 1;
INSERT INTO p VALUES (5, 55), (6, 66);
