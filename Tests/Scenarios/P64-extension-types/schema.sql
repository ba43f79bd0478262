CREATE EXTENSION citext SCHEMA public;
CREATE EXTENSION hstore SCHEMA public;
CREATE EXTENSION ltree SCHEMA public;
GRANT USAGE ON SCHEMA public TO PUBLIC;
CREATE TABLE extended (id int PRIMARY KEY, mail citext, tags hstore, path ltree, net inet, mac macaddr,
  words tsvector, at_lsn pg_lsn);
INSERT INTO extended VALUES (1, 'A@B.c', 'a=>1, "b c"=>NULL', 'top.sub', '10.0.0.1/8',
  '08:00:2b:01:02:03', 'fat:1A cat:3', '0/16B3748');
