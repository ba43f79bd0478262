SET sql_generate_invisible_primary_key = ON;
CREATE TABLE g (a int, b varchar(9));
INSERT INTO g VALUES (1, 'x'), (1, 'x'), (2, 'y');
CREATE TABLE e (id int PRIMARY KEY, v varchar(20), KEY ((upper(v))), UNIQUE ((id + 1)));
INSERT INTO e VALUES (1, 'one'), (2, 'two');
