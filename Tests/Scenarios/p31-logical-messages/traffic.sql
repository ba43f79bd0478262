SELECT pg_logical_emit_message(false, 'somebody', 'else') \g /dev/null
BEGIN;
SELECT pg_logical_emit_message(false, 'n', 'x') \g /dev/null
INSERT INTO spoken VALUES (1);
SELECT pg_logical_emit_message(true, 'n', repeat('x', 100000)) \g /dev/null
INSERT INTO spoken VALUES (2);
COMMIT;
BEGIN;
SELECT pg_logical_emit_message(false, 'n', 'x') \g /dev/null
INSERT INTO spoken VALUES (3);
ROLLBACK;
INSERT INTO spoken VALUES (4);
