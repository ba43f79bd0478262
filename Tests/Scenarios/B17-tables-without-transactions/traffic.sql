INSERT INTO m VALUES (3, 'c');
UPDATE m SET v = concat(v, '+');
DELETE FROM m WHERE id = 1;
