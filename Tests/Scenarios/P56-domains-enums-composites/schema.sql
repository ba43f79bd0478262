CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s "great"');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN label AS text NOT NULL DEFAULT 'none';
CREATE TYPE address AS (street text, number int);
CREATE TABLE people (id int PRIMARY KEY, feels mood, age positive, called label, lives address,
  all_moods mood[]);
INSERT INTO people VALUES (1, 'ok', 30, 'x', ROW('a "b", c', 5), '{sad,"it''s \"great\""}'),
  (2, NULL, NULL, '', NULL, NULL);
