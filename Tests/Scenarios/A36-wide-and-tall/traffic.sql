UPDATE wide SET part = part + 1 WHERE id % 10 = 0;
DELETE FROM wide WHERE id % 10 = 3;
INSERT INTO nothing VALUES (1, 'first');
UPDATE only_key SET id = md5(id::text)::uuid WHERE id::text < '4';
DELETE FROM only_key WHERE id::text > 'c';
