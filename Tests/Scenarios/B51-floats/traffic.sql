INSERT INTO f SELECT id + 10, f, d FROM f;
UPDATE f SET f = f / 3, d = d / 3 WHERE id < 4;
