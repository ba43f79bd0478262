INSERT INTO e SELECT id + 10, k, s, l FROM e;
UPDATE e SET k = 'ü', s = 'b' WHERE id = 1;
UPDATE e SET k = 2, s = 5 WHERE id = 4;
