INSERT INTO texts SELECT id + 10, v, raw FROM texts;
UPDATE texts SET v = v || E'\x01\x7f' WHERE id IN (1, 11);
UPDATE texts SET v = '\N' WHERE id = 3;
UPDATE texts SET raw = decode(repeat('00ff', 5000), 'hex') WHERE id = 12;
