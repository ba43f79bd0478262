CREATE TABLE numbers (id int PRIMARY KEY, n numeric, exact numeric(10, 2), coarse numeric(5, -2),
  single real, double double precision, small smallint, big bigint);
INSERT INTO numbers VALUES
  (1, 'NaN', 1.10, 12300, '-0', '-0', -32768, -9223372036854775808),
  (2, 'Infinity', -0.01, 0, 'NaN', 'NaN', 32767, 9223372036854775807),
  (3, '-Infinity', 0, 99900, 1e-45, 5e-324, 0, 9007199254740993),
  (4, 1.10, 1, NULL, 3.4028235e38, 1.7976931348623157e308, NULL, 0),
  (5, 1e1000 + 0.1, NULL, NULL, 0.1, 0.1, 1, -1),
  (6, 0.0000000000000000000000000000000000000001, NULL, NULL, 'Infinity', '-Infinity', 1, 1);
