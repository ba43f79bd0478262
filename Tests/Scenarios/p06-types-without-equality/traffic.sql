UPDATE places SET note = '{"b":  2}' WHERE id = 1;
UPDATE places SET at = '(5,6.5)' WHERE id = 2;
UPDATE places SET id = 3 WHERE id = 1;
DELETE FROM places WHERE id = 2;
INSERT INTO places VALUES (4, '(0.1,-0)', NULL, '[]', '<b>&amp;</b>');
