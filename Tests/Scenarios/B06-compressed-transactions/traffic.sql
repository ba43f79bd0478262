SET SESSION binlog_transaction_compression = ON;
BEGIN;
UPDATE t SET v = repeat('z', 40);
INSERT INTO t SELECT id + 10, v FROM t;
DELETE FROM t WHERE id = 2;
COMMIT;
SET SESSION binlog_transaction_compression = OFF;
INSERT INTO t VALUES (99, 'after');
