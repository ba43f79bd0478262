CREATE TABLE z (id int PRIMARY KEY, t text COMPRESSED, b blob COMPRESSED, v varchar(2000) COMPRESSED);
INSERT INTO z VALUES (1, repeat('text ', 500), repeat(x'00ff', 500), 'short'), (2, '', x'', ''), (3, NULL, NULL, NULL);
