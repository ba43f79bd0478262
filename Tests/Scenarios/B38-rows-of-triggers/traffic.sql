UPDATE t SET v = concat(v, v);
DELETE FROM t WHERE id = 2;
UPDATE t SET v = 'z' WHERE id = 3;
