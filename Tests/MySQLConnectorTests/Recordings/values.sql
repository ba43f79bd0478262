-- Every type with its boundaries. Every table has a key `id`; rows are only inserted.
SET sql_mode = 'ALLOW_INVALID_DATES,NO_ZERO_IN_DATE';
SET sql_mode = 'ALLOW_INVALID_DATES';
CREATE TABLE v_integer (id int PRIMARY KEY, a tinyint, b tinyint unsigned, y year, c smallint,
  d smallint unsigned, e mediumint, f mediumint unsigned, g int, h int unsigned, i bigint,
  j bigint unsigned, k boolean);
INSERT INTO v_integer VALUES (1, -128, 255, 1901, -32768, 65535, -8388608, 16777215, -2147483648,
  4294967295, -9223372036854775808, 18446744073709551615, true),
  (2, 127, 0, 2155, 32767, 0, 8388607, 0, 2147483647, 0, 9223372036854775807, 0, false),
  (3, -1, 128, 0, -1, 32768, -1, 8388608, -1, 2147483648, -1, 9223372036854775808, NULL),
  (4, 0, 1, 2024, 0, 1, 0, 1, 0, 1, 0, 1, 2),
  (5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (6, 9, 10, 1999, 99, 100, 999, 1000, 999999999, 1000000000, 999999999999999999,
  10000000000000000000, 1);
CREATE TABLE v_decimal (id int PRIMARY KEY, a decimal(1,0), b decimal(65,30), c decimal(65,0),
  d decimal(10,2), e decimal(30,30), f decimal(9,9), g decimal(18,9), h decimal(20,2) unsigned,
  i decimal(37,18), j decimal(2,1));
INSERT INTO v_decimal VALUES
  (1, 9, 99999999999999999999999999999999999.999999999999999999999999999999,
   99999999999999999999999999999999999999999999999999999999999999999, 12345678.90,
   0.999999999999999999999999999999, 0.999999999, 999999999.999999999, 999999999999999999.99,
   1234567890123456789.000000000000000001, 9.9),
  (2, -9, -99999999999999999999999999999999999.999999999999999999999999999999,
   -99999999999999999999999999999999999999999999999999999999999999999, -12345678.90,
   -0.999999999999999999999999999999, -0.999999999, -999999999.999999999, 0.01,
   -1234567890123456789.000000000000000001, -0.1),
  (3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
  (4, 1, 0.000000000000000000000000000001, 1000000000, 0.01, 0.000000000000000000000000000001,
   0.000000001, 1.000000001, 1000000000, 0.1, 0.1),
  (5, -1, -1, -1, -0.01, -0.1, -0.1, -0.000000001, 1, -10000000001.5, -0.1),
  (6, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE v_float (id int PRIMARY KEY, a float, b double, c float unsigned);
INSERT INTO v_float VALUES (1, 0, 0, 0), (2, 1, 1, 1.5), (3, -1, -1, 0.1), (4, 16777217, 1e15, 1e6),
  (5, 3.402823466e38, 1.7976931348623157e308, 123456), (6, -3.402823466e38, -1.7976931348623157e308,
  1234567), (7, 1.175494351e-38, 2.2250738585072014e-308, 999999), (8, 1e-10, 1e-10, 0.0001),
  (9, 0.00001, 0.00001, 0.001), (10, 3.14159, 3.141592653589793, 100000),
  (11, 1234567.875, 123456789012345678, 0.5), (12, 33.333, 0.1, 1e10), (13, 1e14, 99999999999999, 7),
  (14, 1e15, 999999999999999.9, 8), (15, NULL, NULL, NULL), (16, -0.5, -123456.789, 3e-5),
  (17, 1e20, 1e22, 12345.678), (18, 8388608.5, 4503599627370497.5, 262144.25);
CREATE TABLE v_bit (id int PRIMARY KEY, a bit(1), b bit(8), c bit(17), d bit(64), e bit(7));
INSERT INTO v_bit VALUES (1, 0, 0, 0, 0, 0), (2, 1, 255, 131071, 18446744073709551615, 127),
  (3, NULL, NULL, NULL, NULL, NULL), (4, 1, 1, 65537, 9223372036854775808, 64);
CREATE TABLE v_time (id int PRIMARY KEY, d date, t0 time, t1 time(1), t2 time(2), t3 time(3),
  t4 time(4), t5 time(5), t6 time(6), y year);
INSERT INTO v_time VALUES
  (1, '2024-02-29', '12:34:56', '12:34:56.7', '12:34:56.78', '12:34:56.789', '12:34:56.7891',
   '12:34:56.78912', '12:34:56.789123', 2024),
  (2, '9999-12-31', '838:59:59', '838:59:58.9', '838:59:58.99', '838:59:58.999', '838:59:58.9999',
   '838:59:58.99999', '838:59:58.999999', 1901),
  (3, '0000-00-00', '-838:59:59', '-838:59:58.9', '-838:59:58.99', '-838:59:58.999',
   '-838:59:58.9999', '-838:59:58.99999', '-838:59:58.999999', 2155),
  (4, '2024-00-00', '-00:00:01', '-00:00:00.1', '-00:00:00.01', '-00:00:00.001', '-00:00:00.0001',
   '-00:00:00.00001', '-00:00:00.000001', 0),
  (5, '2024-02-31', '00:00:00', '00:00:00', '00:00:00', '00:00:00', '00:00:00', '00:00:00',
   '00:00:00', 0),
  (6, '1000-01-01', '-01:00:00', '-01:00:00.5', '-01:00:00.50', '-01:00:00.500', '-01:00:00.5',
   '-01:00:00.5', '-01:00:00.5', 1970),
  (7, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (8, '0001-01-01', '100:00:00', '99:59:59.0', '-100:00:00.1', '00:00:59.100', '-00:00:59.9',
   '-12:00:00', '-12:00:00.1', 1902);
CREATE TABLE v_datetime (id int PRIMARY KEY, d0 datetime, d1 datetime(1), d2 datetime(2),
  d3 datetime(3), d4 datetime(4), d5 datetime(5), d6 datetime(6), s0 timestamp NULL,
  s1 timestamp(1) NULL, s2 timestamp(2) NULL, s3 timestamp(3) NULL, s4 timestamp(4) NULL,
  s5 timestamp(5) NULL, s6 timestamp(6) NULL);
INSERT INTO v_datetime VALUES
  (1, '2024-02-29 23:59:59', '2024-02-29 23:59:59.1', '2024-02-29 23:59:59.12',
   '2024-02-29 23:59:59.123', '2024-02-29 23:59:59.1234', '2024-02-29 23:59:59.12345',
   '2024-02-29 23:59:59.123456', '2024-02-29 23:59:59', '2024-02-29 23:59:59.1',
   '2024-02-29 23:59:59.12', '2024-02-29 23:59:59.123', '2024-02-29 23:59:59.1234',
   '2024-02-29 23:59:59.12345', '2024-02-29 23:59:59.123456'),
  (2, '9999-12-31 23:59:59', '9999-12-31 23:59:59.9', '9999-12-31 23:59:59.99',
   '9999-12-31 23:59:59.999', '9999-12-31 23:59:59.9999', '9999-12-31 23:59:59.99999',
   '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07', '2038-01-19 03:14:07.9',
   '2038-01-19 03:14:07.99', '2038-01-19 03:14:07.999', '2038-01-19 03:14:07.9999',
   '2038-01-19 03:14:07.99999', '2038-01-19 03:14:07.999999'),
  (3, '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00',
   '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00',
   '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00',
   '0000-00-00 00:00:00', '0000-00-00 00:00:00'),
  (4, '2024-00-00 01:02:03', '1000-01-01 00:00:00.1', '2024-01-00 00:00:00.1', '2024-02-31 00:00:00.1',
   '2024-01-02 03:04:05', '2024-01-02 03:04:05.1', '2024-01-02 03:04:05.1', '1970-01-01 00:00:01',
   '1970-01-01 00:00:01.1', '1970-01-01 00:00:01.01', '1970-01-01 00:00:01.100',
   '1970-01-01 00:00:01', '2000-02-29 12:00:00', '1999-12-31 23:59:59.9'),
  (5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE v_label (id int PRIMARY KEY, e enum('a','b','it''s','ü','x,y') CHARACTER SET utf8mb4,
  l enum('é','€','z') CHARACTER SET latin1, s set('a','b','ü','d e') CHARACTER SET utf8mb4,
  t set('é','ö') CHARACTER SET latin1, n int unsigned, w set('01','02','03','04','05','06','07','08',
  '09','10','11','12','13','14','15','16','17','18','19','20','21','22','23','24','25','26','27',
  '28','29','30','31','32','33','34','35','36','37','38','39','40','41','42','43','44','45','46',
  '47','48','49','50','51','52','53','54','55','56','57','58','59','60','61','62','63','64'),
  c char(10), b binary(3));
INSERT INTO v_label VALUES (1, 'a', 'é', 'a', 'é', 4000000000, '01', 'x', 'abc'),
  (2, 'ü', '€', 'a,b,ü,d e', 'é,ö', 1, '01,33,64', 'y ', 'a'),
  (3, 'x,y', 'z', '', '', 2, '64', 'z', ''), (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (5, 'it''s', 'é', 'd e', 'ö', 3, '', '', 'zz');
INSERT IGNORE INTO v_label VALUES (6, 'nothing', 'q', 'a', 'é', 1, '02', 'k', 'k');
CREATE TABLE v_text (id int PRIMARY KEY, a char(5), b char(100) CHARACTER SET utf8mb4,
  c varchar(20), d varchar(300), e tinytext, f text, g mediumtext, h longtext,
  i char(255) CHARACTER SET utf8mb4, j varchar(10) COLLATE utf8mb4_bin) CHARACTER SET utf8mb4;
INSERT INTO v_text VALUES (1, 'abc', 'grün €', '𝄞', repeat('ä', 300), 'tiny', 'text',
  repeat('m', 70000), repeat('l', 300), repeat('𝄞', 255), 'bin'),
  (2, '', '', '', '', '', '', '', '', '', ''),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (4, 'a  ', ' b', 'c  ', concat('tab', char(9), 'line', char(10), 'null', char(0)), 'back\\slash',
  'quote''"', 'é', 'x', 'y', 'Z');
CREATE TABLE v_bytes (id int PRIMARY KEY, a binary(4), b binary(255), c varbinary(20),
  d varbinary(300), e tinyblob, f blob, g mediumblob, h longblob, i char(3) CHARACTER SET binary);
INSERT INTO v_bytes VALUES (1, x'01', x'00ff', x'0100', repeat(x'ff', 300), x'00', x'ff00', x'80',
  repeat(x'0102', 40000), 'a'), (2, '', '', '', '', '', '', '', '', ''),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (4, x'01020304', repeat(x'07', 255), x'00', x'00', 'abc', 'd', 'e', 'f', 'abc');
CREATE TABLE v_charset (id int PRIMARY KEY, a varchar(80) CHARACTER SET ascii,
  l varchar(80) CHARACTER SET latin1, u3 varchar(80) CHARACTER SET utf8mb3,
  ucs varchar(80) CHARACTER SET ucs2, u16 varchar(80) CHARACTER SET utf16,
  u16l varchar(80) CHARACTER SET utf16le, u32 varchar(80) CHARACTER SET utf32,
  c1250 varchar(80) CHARACTER SET cp1250, c1251 text CHARACTER SET cp1251,
  c1257 char(80) CHARACTER SET cp1257, c850 varchar(80) CHARACTER SET cp850,
  c852 varchar(80) CHARACTER SET cp852, hp varchar(80) CHARACTER SET hp8,
  kr varchar(80) CHARACTER SET koi8r, l2 varchar(80) CHARACTER SET latin2,
  l5 varchar(80) CHARACTER SET latin5, l7 varchar(80) CHARACTER SET latin7,
  mc varchar(80) CHARACTER SET macce, c932 varchar(80) CHARACTER SET cp932,
  ej varchar(80) CHARACTER SET eucjpms, ek varchar(80) CHARACTER SET euckr,
  g2 varchar(80) CHARACTER SET gb2312, gk varchar(80) CHARACTER SET gbk,
  ch2 char(10) CHARACTER SET ucs2, en enum('ж','a') CHARACTER SET koi8r);
INSERT INTO v_charset VALUES (1, 'plain', 'é€ÿ', 'grün€', 'ж€', 'ж€𝄞', 'ж€𝄞', 'ж€𝄞', 'Łódź', 'Жук',
  'Šiauliai', 'éÇ', 'ŁÓ', 'éÀ', 'Жук', 'Łódź', 'İstanbul', 'Žagarė', 'Čech', '日本語ｱ', '日本語ｱ①',
  '한국어', '中文', '中文镕', 'ж', 'ж'),
  (2, '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '',
  '', 'a');
INSERT INTO v_charset (id, l) VALUES (3, CONVERT(x'808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0ff' USING latin1));
CREATE TABLE v_wide (id int PRIMARY KEY, c1 int, c2 int, c3 int, c4 int, c5 int, c6 int, c7 int,
  c8 int, c9 int, c10 int, c11 int, c12 int, c13 int, c14 int, c15 int, c16 int, c17 int);
INSERT INTO v_wide VALUES (1, 1, NULL, 3, NULL, 5, NULL, 7, NULL, 9, NULL, 11, NULL, 13, NULL, 15,
  NULL, 17), (2, NULL, 2, NULL, 4, NULL, 6, NULL, 8, NULL, 10, NULL, 12, NULL, 14, NULL, 16, NULL);
CREATE TABLE v_part (id int PRIMARY KEY, v varchar(10)) PARTITION BY HASH (id) PARTITIONS 3;
INSERT INTO v_part VALUES (1, 'a'), (2, 'b'), (3, NULL);
CREATE TABLE v_generated (id int PRIMARY KEY, a int, b int AS (a + 1) VIRTUAL,
  c int AS (a * 2) STORED);
INSERT INTO v_generated (id, a) VALUES (1, 1), (2, NULL);
CREATE TABLE v_geometry (id int PRIMARY KEY, g geometry, p point, u int unsigned, t varchar(5));
INSERT INTO v_geometry VALUES (1, ST_GeomFromText('LINESTRING(0 0,1 2)'), POINT(1.5, -2), 3000000000,
  'é'), (2, NULL, ST_GeomFromText('POINT(52 13)', 4326), NULL, NULL);
CREATE TABLE `v_strange ü"` (id int PRIMARY KEY, `a b` int, `ü"` varchar(5));
INSERT INTO `v_strange ü"` VALUES (1, 2, 'x');
-- only: mariadb
CREATE TABLE v_mariadb (id int PRIMARY KEY, u uuid, i6 inet6, j json, c varchar(300) COMPRESSED,
  t text COMPRESSED, b blob COMPRESSED, n int unsigned, cb varbinary(300) COMPRESSED);
INSERT INTO v_mariadb VALUES (1, '123e4567-e89b-12d3-a456-426614174000', '2001:db8::ff00:42:8329',
  '{"b": 1,  "a": [1, 2]}', repeat('ab', 150), repeat('grün', 1000), repeat(x'0001', 1000), 7, 'x'),
  (2, '00000000-0000-0000-0000-000000000000', '::', '[]', 'short', '', '', 8, ''),
  (3, 'ffffffff-ffff-ffff-ffff-ffffffffff00', '::ffff:192.0.2.1', NULL, NULL, NULL, NULL, NULL, NULL),
  (4, NULL, '::1', 'null', repeat('x', 200), 'x', 'y', 9, repeat('z', 300)),
  (5, 'ffffffff-ffff-ffff-ffff-ffffffffffff', '::1.2.3.4', '1', '', repeat('y', 200), x'', 10, 'a'),
  (6, NULL, '1:0:0:2::', '1', '', '', x'', 10, 'a'), (7, NULL, '1:0:2:0:3:0:4:0', '1', '', '', x'',
  10, 'a'), (8, NULL, '::2:3:4:5:6:7:8', '1', '', '', x'', 10, 'a'), (9, NULL, '1:2:3:4:5:6:7::', '1',
  '', '', x'', 10, 'a'), (10, NULL, '1:2:3:4:5:6:7:8', '1', '', '', x'', 10, 'a');
-- only: mariadb1011 mariadb118
CREATE TABLE v_inet4 (id int PRIMARY KEY, a inet4);
INSERT INTO v_inet4 VALUES (1, '0.0.0.0'), (2, '255.255.255.255'), (3, '10.0.0.0'), (4, NULL),
  (5, '192.0.2.1');
-- only: mariadb118
CREATE TABLE v_vector (id int PRIMARY KEY, v vector(3) NOT NULL);
INSERT INTO v_vector VALUES (1, Vec_FromText('[1,2.5,-3]')), (2, Vec_FromText('[0,0,0]'));
CREATE TABLE v_2106 (id int PRIMARY KEY, s timestamp(6) NULL, t timestamp NULL);
INSERT INTO v_2106 VALUES (1, '2106-02-07 06:28:15.999999', '2106-02-07 06:28:15'),
  (2, '2038-01-19 03:14:08', '2100-02-28 12:00:00');
-- only: mysql
CREATE TABLE v_vector (id int PRIMARY KEY, v vector(3));
INSERT INTO v_vector VALUES (1, TO_VECTOR('[1,2.5,-3]')), (2, NULL);
CREATE TABLE v_json (id int PRIMARY KEY, j json, k json);
INSERT INTO v_json VALUES (1, '{"b": 1, "a": [1, 2, {"c": null}], "ccc": "x"}', '[]'),
  (2, '{}', '""'), (3, 'null', 'true'), (4, 'false', '0'), (5, NULL, NULL),
  (6, '[-1, 32767, -32768, 65535, 65536, -2147483648, 4294967295, 9223372036854775807, 18446744073709551615, -9223372036854775808]', '1'),
  (7, '[1.0, 0.1, 1e20, 1e-7, 1.5e300, -0.0, 123456789012345678901234567890, 1e15, 1e16, 1e14, 123456.789, 0.00001, 1e-15, 1e-16, 3.0e5, 5e-324, 1.7976931348623157e308, 1e21, 12345678901234567.0]', '2.5'),
  (8, '"tab\\t line\\n quote\\" back\\\\ slash/ \\b\\f\\r \\u0001\\u001f é 𝄞 \\u007f"', '"x"'),
  (9, JSON_OBJECT('d', CAST('12.340' AS DECIMAL(10,3)), 'n', CAST('-0.5' AS DECIMAL(5,2)), 'big', CAST('99999999999999999999999999999999999.999999999999999999999999999999' AS DECIMAL(65,30))), '1'),
  (10, JSON_ARRAY(CAST('2024-02-29' AS DATE), CAST('12:34:56.789' AS TIME(3)), CAST('-838:59:59' AS TIME), CAST('2024-02-29 12:34:56.123456' AS DATETIME(6)), TIMESTAMP'2024-01-01 00:00:00', CAST('-00:00:00.5' AS TIME(1))), '1'),
  (11, JSON_ARRAY(x'00ff10', CAST('abc' AS BINARY), b'1010', repeat(x'ab', 100), CAST(2024 AS YEAR), x'', CAST('ab' AS BINARY)), '1'),
  (12, JSON_OBJECT('long', repeat('x', 200), 'longer', repeat('é', 20000)), '1'),
  (13, JSON_ARRAY(repeat('x', 40000), repeat('y', 40000), 1, 70000, 4000000000, -5, true, null, 'z'), '1'),
  (14, JSON_OBJECT('k1', repeat('x', 66000), 'k2', 1, 'k3', 70000, 'k4', JSON_ARRAY(1, JSON_OBJECT('a', 2))), '1'),
  (15, '[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]', '{"": {"": ""}}'),
  (16, '{"aa": 1, "b": 2, "a": 3, "é": 4, "A": 5}', '[{}, [], null]');
INSERT INTO v_json SELECT 17, JSON_ARRAY(ST_GeomFromText('POINT(1 2)')), JSON_ARRAY(CAST('2024-01-01' AS DATETIME));
CREATE TABLE v_gb (id int PRIMARY KEY, a int, b int INVISIBLE, t timestamp(3) NULL);
INSERT INTO v_gb (id, a, b) VALUES (1, 2, 3);
