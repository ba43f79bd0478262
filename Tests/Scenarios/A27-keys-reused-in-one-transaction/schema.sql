CREATE TABLE coalesced (id int PRIMARY KEY, v text, w text);
INSERT INTO coalesced VALUES (1, 'one', 'a'), (2, 'two', 'b'), (4, 'four', 'd'), (6, 'six', 'f');
