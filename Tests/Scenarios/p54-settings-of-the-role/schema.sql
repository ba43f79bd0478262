CREATE TABLE settings (id int PRIMARY KEY, at timestamptz, day date, span interval, raw bytea,
  number float8, price money);
INSERT INTO settings VALUES (1, '2024-03-04 05:06:07.89+00', '2024-03-04',
  '-10 mons +3 days -04:05:06', '\xff00ff', 0.1::float8 + 0.2, 1234.5);
