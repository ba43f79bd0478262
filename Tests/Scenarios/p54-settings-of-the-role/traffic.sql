INSERT INTO settings SELECT 2, at, day, span, raw, number, price FROM settings;
UPDATE settings SET span = '1 year 2 mons -3 days' WHERE id = 1;
