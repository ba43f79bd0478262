CREATE TABLE dates (id int PRIMARY KEY, day date, at timestamp, zoned timestamptz, clock time,
  zoned_clock timetz);
INSERT INTO dates VALUES
  (1, 'infinity', 'infinity', 'infinity', '24:00:00', '24:00:00+02'),
  (2, '-infinity', '-infinity', '-infinity', '00:00', '00:00:00-15:59'),
  (3, '5874897-12-31', '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999+00',
   '23:59:59.999999', '12:00:00.5+05:30'),
  (4, '0044-03-15 BC', '4714-11-24 00:00:00 BC', '0001-01-01 00:00:00+00 BC', '12:00', NULL),
  (5, '1880-01-01', '1582-10-10', '1880-01-01 00:00:00+00:19:32', NULL, NULL);
