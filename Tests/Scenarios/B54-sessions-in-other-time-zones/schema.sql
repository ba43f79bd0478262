SET time_zone = '+05:30';
CREATE TABLE t (id int PRIMARY KEY, ts timestamp(6) NOT NULL, dt datetime(3), t0 timestamp NULL);
INSERT INTO t VALUES (1, '2024-03-10 02:30:00.123456', '2024-03-10 02:30:00.5', '1970-01-01 05:30:01');
