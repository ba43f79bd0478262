CREATE TABLE lab.parents (id int PRIMARY KEY);
CREATE TABLE lab.children (id int PRIMARY KEY, parent int,
  CONSTRAINT of_parent FOREIGN KEY (parent) REFERENCES lab.parents (id));
INSERT INTO lab.parents VALUES (1);
SET session_replication_role = replica;
INSERT INTO lab.children VALUES (1, 1), (2, 2), (3, NULL);
RESET session_replication_role;
