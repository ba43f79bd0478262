UPDATE g SET a = 5 WHERE id = 1;
INSERT INTO g (id, a, hidden, last) VALUES (3, 9, 10, 'z');
DELETE FROM g WHERE id = 2;
