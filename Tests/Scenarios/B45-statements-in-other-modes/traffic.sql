SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES';
TRUNCATE TABLE "q t";
INSERT INTO "q t" VALUES (2);
/* a comment */ TRUNCATE /*!50000 TABLE */ t -- and one more
;
INSERT INTO t VALUES (9, '\\');
SET SESSION sql_mode = '';
truncate
`q t`;
INSERT INTO t VALUES (10, '\\\\');
