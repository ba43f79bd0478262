UPDATE u SET b = 'uno' WHERE id = 1;
INSERT INTO u VALUES (3, 'three');
DELETE FROM u WHERE id = 2;
