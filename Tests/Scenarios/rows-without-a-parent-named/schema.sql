CREATE TABLE parents (id int PRIMARY KEY, region int NOT NULL, UNIQUE KEY (id, region));
CREATE TABLE children (id int PRIMARY KEY, parent int, region int,
  CONSTRAINT of_parent FOREIGN KEY (parent, region) REFERENCES parents (id, region));
INSERT INTO parents VALUES (1, 1), (2, 1);
SET foreign_key_checks = 0;
INSERT INTO children VALUES (1, 1, 1), (2, 2, 2), (3, NULL, 7);
SET foreign_key_checks = 1;
