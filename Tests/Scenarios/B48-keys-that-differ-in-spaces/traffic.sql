UPDATE c SET v = 'space ' WHERE id = 'a';
INSERT INTO c VALUES ('d ', ' d ');
UPDATE c SET id = 'e ' WHERE id = 'b';
