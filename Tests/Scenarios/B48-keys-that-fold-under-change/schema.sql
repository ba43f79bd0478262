-- Case and accents do not count (f), nor do spaces at the end (p), nor either (c); an exact one beside them (x).
CREATE TABLE f (k varchar(20) COLLATE utf8mb4_unicode_ci PRIMARY KEY, v int);
CREATE TABLE p (k varchar(20) COLLATE utf8mb4_bin PRIMARY KEY, v int);
CREATE TABLE c (k char(20) COLLATE utf8mb4_general_ci, n int, v int, PRIMARY KEY (k, n));
CREATE TABLE x (k char(20) COLLATE utf8mb4_bin PRIMARY KEY, v int);
SET @n = 0;
INSERT INTO f SELECT concat('key', g), g FROM (SELECT @n := @n + 1 AS g FROM information_schema.columns LIMIT 600) s;
INSERT INTO p SELECT k, v FROM f;
INSERT INTO c SELECT k, v, v FROM f;
INSERT INTO x SELECT k, v FROM f;
