CREATE TABLE e (id int PRIMARY KEY, k enum('x', 'y, z', 'ü'), s set('a', 'b', 'c'), l enum('é') CHARACTER SET latin1);
INSERT INTO e VALUES (1, 'x', 'a,c', 'é'), (2, 'y, z', '', NULL), (3, 'ü', 'a,b,c', 'é'), (4, NULL, NULL, NULL);
