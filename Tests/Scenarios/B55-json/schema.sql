SET NAMES utf8mb4;
CREATE TABLE j (id int PRIMARY KEY, doc json);
INSERT INTO j VALUES (1, '{"b": 1, "a": [1, 2.5, -0.0, 1e20, true, false, null], "long key": {"x": "é\\n\\u0001"}}'), (2, '[]'), (3, '"text"'), (4, 'null'), (5, NULL), (6, '18446744073709551615'), (7, '{"": {}}');
