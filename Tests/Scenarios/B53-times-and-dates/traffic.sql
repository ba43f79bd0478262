SET time_zone = '-03:00';
INSERT INTO d SELECT id + 10, t, t0, d, m, m6, ts, ts0, y FROM d;
UPDATE d SET t = '-25:00:00.000001', ts = '2024-10-27 02:30:00', y = 2024 WHERE id = 3;
