INSERT INTO j SELECT id + 10, doc FROM j;
UPDATE j SET doc = json_set(doc, '$.c', 3) WHERE id = 1;
UPDATE j SET doc = json_object('d', 1.10, 'n', 12345678901234567890) WHERE id = 2;
