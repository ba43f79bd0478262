CREATE TABLE wide (id bigint, part smallint, at timestamptz, v text, PRIMARY KEY (part, id, at));
INSERT INTO wide SELECT g, g % 7, 'epoch'::timestamptz + g * interval '1 h', repeat('w', g % 100)
  FROM generate_series(1, 2000) g;
CREATE TABLE nothing (id int PRIMARY KEY, v text);
CREATE TABLE only_key (id uuid PRIMARY KEY);
INSERT INTO only_key SELECT md5(g::text)::uuid FROM generate_series(1, 100) g;
