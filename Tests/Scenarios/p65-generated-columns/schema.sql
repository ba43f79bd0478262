CREATE TABLE computed (id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED,
  b text);
INSERT INTO computed (id, a, b) SELECT g, g, 'b' FROM generate_series(1, 20) g;
