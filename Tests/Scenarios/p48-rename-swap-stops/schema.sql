CREATE TABLE one (id int PRIMARY KEY, v text);
CREATE TABLE two (id int PRIMARY KEY, v text);
INSERT INTO one VALUES (1, 'one');
INSERT INTO two VALUES (1, 'two');
