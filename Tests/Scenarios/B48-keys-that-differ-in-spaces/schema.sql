CREATE TABLE c (id char(8) COLLATE utf8mb4_bin PRIMARY KEY, v varchar(20));
INSERT INTO c VALUES ('a', 'a '), ('b  ', 'b');
