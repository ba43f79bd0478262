CREATE TABLE floats (a float8, b float4, v int);
ALTER TABLE floats REPLICA IDENTITY FULL;
INSERT INTO floats VALUES (0.1::float8 + 0.2, 0.1, 1), ('NaN', '-0', 2), ('-0', 'NaN', 3);
