CREATE TABLE collated (name text COLLATE "de-x-icu" PRIMARY KEY, v int);
CREATE TABLE plain (name text COLLATE "C" PRIMARY KEY, v int);
CREATE TABLE padded (code char(5) PRIMARY KEY, v int);
INSERT INTO collated SELECT c || n, n FROM unnest('{a,B,c,_,é,ß,ss,Z,ä,A," ",-}'::text[]) c,
  generate_series(1, 50) n;
INSERT INTO plain SELECT name, v FROM collated;
INSERT INTO padded SELECT substr(name, 1, 5), v FROM collated;
