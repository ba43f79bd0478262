CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE
  ON UPDATE CASCADE);
CREATE TABLE nullable (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE SET NULL);
CREATE TABLE self (id int PRIMARY KEY, boss int REFERENCES self);
INSERT INTO parents SELECT generate_series(1, 20);
INSERT INTO children SELECT g, 1 + g % 20 FROM generate_series(1, 100) g;
INSERT INTO nullable SELECT g, 1 + g % 20 FROM generate_series(1, 100) g;
INSERT INTO self VALUES (1, NULL), (2, 1), (3, 1);
