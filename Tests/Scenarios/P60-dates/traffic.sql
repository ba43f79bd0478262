INSERT INTO dates SELECT id + 10, day, at, zoned, clock, zoned_clock FROM dates;
UPDATE dates SET clock = '01:02:03.4' WHERE id > 10;
