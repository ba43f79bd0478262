SET SESSION binlog_alter_two_phase = ON;
CREATE TABLE other (id int PRIMARY KEY);
INSERT INTO t VALUES (4, 'before');
ALTER TABLE other ADD k int;
INSERT INTO t VALUES (5, 'after');
DROP TABLE other;
