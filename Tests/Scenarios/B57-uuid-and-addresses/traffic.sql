INSERT INTO u VALUES ('00000000-0000-0000-0000-000000000001', '::ffff:10.0.0.1', NULL);
UPDATE u SET four = '255.255.255.255' WHERE id = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
