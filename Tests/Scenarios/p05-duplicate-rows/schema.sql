CREATE TABLE readings (a int, b text);
ALTER TABLE readings REPLICA IDENTITY FULL;
INSERT INTO readings VALUES (1, 'x'), (1, 'x'), (1, 'x'), (2, NULL), (2, NULL), (NULL, NULL);
