INSERT INTO t SELECT a.d * 1000 + b.d * 100 + c.d * 10 + d.d, repeat('x', 30) FROM digits a, digits b, digits c, digits d;
UPDATE t SET v = concat(id, v) WHERE id % 2 = 0;
UPDATE t SET id = id + 20000 ORDER BY id DESC;
DELETE FROM t WHERE id % 3 = 0;
