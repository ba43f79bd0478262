CREATE TABLE u (id uuid PRIMARY KEY, six inet6, four inet4);
INSERT INTO u VALUES ('123e4567-e89b-12d3-a456-426655440000', '2001:db8::ff00:42:8329', '10.0.0.1'), ('ffffffff-ffff-ffff-ffff-ffffffffffff', '::', '0.0.0.0');
