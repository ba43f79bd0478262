UPDATE twins SET "Name" = 'd';
INSERT INTO twins VALUES (2, 'x', NULL, 'z');
