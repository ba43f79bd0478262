-- Every row changes and nothing is sent (P45).
ALTER TABLE rewritten ALTER v TYPE varchar(50) USING v || random()::text;
INSERT INTO rewritten VALUES (2, 'b');
