SET NAMES utf8mb4;
INSERT INTO texts SELECT id + 10, l, u, w, g, k, a, m FROM texts;
UPDATE texts SET l = 'naïve', g = '汉字' WHERE id = 2;
SET NAMES latin1;
UPDATE texts SET a = 'from latin1' WHERE id = 1;
