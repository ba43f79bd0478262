UPDATE floats SET v = v + 10;
DELETE FROM floats WHERE v = 12;
INSERT INTO floats VALUES (5e-324, 1e-45, 4);
UPDATE floats SET v = 5 WHERE v = 4;
