SET SESSION binlog_row_image = 'MINIMAL';
UPDATE t SET v = 'changed' WHERE id = 2;
