INSERT INTO numbered (v) VALUES ('new'), (NULL);
UPDATE numbered SET v = 'changed' WHERE id = 3;
INSERT INTO numbered (id, v) OVERRIDING SYSTEM VALUE VALUES (1000, 'own');
