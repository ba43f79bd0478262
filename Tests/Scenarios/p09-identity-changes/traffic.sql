UPDATE changing SET v = 100 WHERE id = 1;
ALTER TABLE changing REPLICA IDENTITY FULL;
UPDATE changing SET v = 200 WHERE id = 2;
UPDATE changing SET id = 102 WHERE id = 2;
DELETE FROM changing WHERE id = 3;
ALTER TABLE changing REPLICA IDENTITY DEFAULT;
UPDATE changing SET id = 104, v = 4 WHERE id = 4;
DELETE FROM changing WHERE id = 5;
