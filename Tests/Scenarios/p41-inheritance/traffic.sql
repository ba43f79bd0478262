UPDATE animals SET name = name || '!' WHERE id IN (2, 4);
DELETE FROM ONLY animals WHERE id = 5;
DELETE FROM birds WHERE id = 8;
INSERT INTO birds VALUES (1, 'own', 2);
