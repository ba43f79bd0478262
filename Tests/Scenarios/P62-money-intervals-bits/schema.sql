CREATE TABLE odd (id int PRIMARY KEY, price money, span interval, fixed bit(5), bits bit varying(9),
  padded char(5), one "char", short name);
INSERT INTO odd VALUES
  (1, 1234.50, '1 mon -1 day 00:00:01.5', b'10101', b'1', 'ab', 'x', 'name'),
  (2, -0.01, '-178000000 years', b'00000', b'', '', '', ''),
  (3, NULL, '00:00:00', NULL, b'111111111', '     ', NULL, NULL);
