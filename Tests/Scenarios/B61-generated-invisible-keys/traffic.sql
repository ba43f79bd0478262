UPDATE g SET b = 'z' WHERE a = 1 LIMIT 1;
DELETE FROM g WHERE a = 2;
INSERT INTO g VALUES (3, 'w');
UPDATE e SET v = 'uno' WHERE id = 1;
INSERT INTO e VALUES (3, 'three');
