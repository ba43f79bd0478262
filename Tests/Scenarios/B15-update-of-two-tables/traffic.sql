UPDATE a JOIN b ON b.a = a.id SET a.v = concat(a.v, '1'), b.v = concat(b.v, '2');
DELETE a, b FROM a JOIN b ON b.a = a.id WHERE a.id = 1;
REPLACE INTO a VALUES (2, 'replaced'), (3, 'new');
INSERT INTO a VALUES (3, 'again') ON DUPLICATE KEY UPDATE v = 'on duplicate';
