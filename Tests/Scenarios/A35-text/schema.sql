CREATE TABLE texts (id int PRIMARY KEY, v text, raw bytea);
INSERT INTO texts VALUES (1, E'tab\t newline\n return\r backslash\\ quote\' \\N \\.', '\x00010aff5c'),
  (2, '\N', ''), (3, '', NULL), (4, NULL, '\x'), (5, '😀 é é ﷽', '\x5c6e'), (6, '\.', '\x2e');
