CREATE TABLE t (id int PRIMARY KEY, g geometry, p point);
INSERT INTO t VALUES (1, ST_GeomFromText('POLYGON((0 0,0 1,1 1,0 0))'), ST_GeomFromText('POINT(1 2)', 4326));
