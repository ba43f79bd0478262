INSERT INTO odd SELECT id + 10, price, span, fixed, bits, padded, one, short FROM odd;
UPDATE odd SET padded = 'b ', span = span * 2 WHERE id IN (1, 11);
