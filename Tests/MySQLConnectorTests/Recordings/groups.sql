-- Transactions of every form; `groups` in GroupTests.swift says what must come of them.
CREATE TABLE inn (id int PRIMARY KEY, v varchar(20)) ENGINE = InnoDB;
CREATE TABLE mis (id int PRIMARY KEY, v varchar(20)) ENGINE = MyISAM;
INSERT INTO inn VALUES (1, 'one'), (2, 'two');
UPDATE inn SET v = 'uno' WHERE id = 1;
UPDATE inn SET id = 3 WHERE id = 2;
DELETE FROM inn WHERE id = 3;
INSERT INTO mis VALUES (1, 'm');
BEGIN; INSERT INTO inn VALUES (10, 'a'); SAVEPOINT sp; INSERT INTO inn VALUES (11, 'b');
ROLLBACK TO SAVEPOINT sp; INSERT INTO inn VALUES (12, 'c'); COMMIT;
BEGIN; INSERT INTO inn VALUES (30, 'never'); ROLLBACK;
BEGIN; INSERT INTO inn VALUES (31, 'in front of DDL'); CREATE TABLE ddl (a int);
INSERT INTO inn VALUES (32, 'behind'); ROLLBACK;
CREATE TABLE ctas (id int PRIMARY KEY) AS SELECT id, v FROM inn;
CREATE TEMPORARY TABLE tmp (a int); INSERT INTO tmp VALUES (1); DROP TEMPORARY TABLE tmp;
XA START 'one'; INSERT INTO inn VALUES (40, 'xa'); XA END 'one'; XA COMMIT 'one' ONE PHASE;
TRUNCATE TABLE ddl;
CREATE VIEW vi AS SELECT 1; DROP VIEW vi;
CREATE TABLE par (id int PRIMARY KEY); INSERT INTO par VALUES (1);
UPDATE inn, par SET inn.v = 'both', par.id = 2 WHERE inn.id = 1 AND par.id = 1;
-- only: mariadb1011 mariadb118 mysql97
INSERT INTO inn SELECT 100 + seq, repeat('x', 20) FROM (
  WITH RECURSIVE s AS (SELECT 1 AS seq UNION ALL SELECT seq + 1 FROM s WHERE seq < 900)
  SELECT seq FROM s) AS numbers;
SET SESSION binlog_row_image = MINIMAL;
CREATE TABLE mini (id int PRIMARY KEY, a int, b varchar(10) DEFAULT 'dflt', c int);
INSERT INTO mini (id, a) VALUES (1, 2);
UPDATE mini SET c = 5 WHERE id = 1;
DELETE FROM mini WHERE id = 1;
SET SESSION binlog_row_image = FULL;
-- only: mariadb
BEGIN; INSERT INTO inn VALUES (20, 'a'); SAVEPOINT `s p`; INSERT INTO inn VALUES (21, 'gone');
INSERT INTO mis VALUES (21, 'stays'); ROLLBACK TO SAVEPOINT `s p`; INSERT INTO inn VALUES (22, 'c');
COMMIT;
SET GLOBAL log_bin_compress = ON; SET GLOBAL log_bin_compress_min_len = 10;
-- only: mariadb
INSERT INTO inn VALUES (2000, repeat('z', 20)), (2001, repeat('y', 20)), (2002, repeat('z', 20));
UPDATE inn SET v = repeat('w', 20) WHERE id >= 2000;
DELETE FROM inn WHERE id >= 2000;
CREATE TABLE compressed_statement_with_a_long_name_so_that_it_pays (a int);
-- only: mariadb
SET GLOBAL log_bin_compress = OFF; SET GLOBAL log_bin_compress_min_len = 256;
SET @@gtid_domain_id = 7; INSERT INTO inn VALUES (3000, 'domain');
SET @@gtid_domain_id = 0; SET @@skip_replication = 1; INSERT INTO inn VALUES (3001, 'skip');
SET @@skip_replication = 0;
CREATE SEQUENCE sq; SELECT nextval(sq);
-- only: mariadb118 mariadb1011
SET SESSION binlog_alter_two_phase = ON; ALTER TABLE inn ADD k2 int;
INSERT INTO inn VALUES (4000, 'altered', 1);
-- only: mysql
SET SESSION binlog_transaction_compression = ON;
BEGIN; INSERT INTO inn VALUES (2000, repeat('z', 20)), (2001, repeat('y', 20));
UPDATE inn SET v = 'w' WHERE id = 2000; COMMIT;
SET SESSION binlog_transaction_compression = OFF;
SET gtid_next = 'AUTOMATIC:taga'; INSERT INTO inn VALUES (3000, 'tagged');
SET gtid_next = 'AUTOMATIC';
SET SESSION binlog_rows_query_log_events = ON; INSERT INTO inn VALUES (3001, 'query');
