INSERT INTO t VALUES (4, 'd');
SET SESSION binlog_format = 'STATEMENT';
UPDATE t SET v = concat(v, '+') WHERE id < 3;
