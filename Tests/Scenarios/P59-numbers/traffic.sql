INSERT INTO numbers SELECT id + 10, n, exact, coarse, single, double, small, big FROM numbers;
UPDATE numbers SET double = double, n = n * -1, exact = 1.50 WHERE id > 10;
UPDATE numbers SET n = 100.000, double = 0.1::float8 + 0.2 WHERE id = 4;
