SET NAMES utf8mb4;
INSERT INTO texts SELECT id + 10, l, u, w, g, k, a, s, j, b, c, t, w7, m FROM texts;
UPDATE texts SET l = 'naïve', g = '汉字', s = '表＝', j = '｡鵝', b = '許功蓋', c = 'ёЁЎ', t = 'ไทย฿', w7 = 'öÖéÉ' WHERE id = 2;
UPDATE keys_of_big5 SET v = v + 10;
DELETE FROM keys_of_big5 WHERE k = '體';
SET NAMES latin1;
UPDATE texts SET a = 'from latin1' WHERE id = 1;
