CREATE TABLE papers (id int PRIMARY KEY, plain json, binary_form jsonb);
INSERT INTO papers VALUES
  (1, '{"b":1, "a":1,"a":2}', '{"b":1, "a":1,"a":2}'),
  (2, '  [ ]  ', '12345678901234567890.1234567890'), (3, '"\u0000"', '"\u00e9\ud83d\ude00"'),
  (4, 'null', 'null'), (5, NULL, NULL), (6, '1e400', '1e400');
