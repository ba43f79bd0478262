CREATE TABLE b (id binary(4) PRIMARY KEY, f binary(6), v varbinary(6), z blob);
INSERT INTO b VALUES (x'0100', x'ff00', x'ff00', x'0000'), (x'02', x'', x'', x''), (x'00000000', NULL, NULL, NULL);
