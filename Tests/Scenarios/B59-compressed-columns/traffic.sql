INSERT INTO z SELECT id + 10, t, b, v FROM z;
UPDATE z SET v = repeat('long ', 300) WHERE id = 1;
