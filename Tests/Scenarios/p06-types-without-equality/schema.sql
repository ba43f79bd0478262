CREATE TABLE places (id int PRIMARY KEY, at point, area box, note json, doc xml);
ALTER TABLE places REPLICA IDENTITY FULL;
INSERT INTO places VALUES (1, '(1,2)', '(3,4),(1,2)', '{"a": 1, "a":2}', '<a/>'),
  (2, NULL, NULL, NULL, NULL);
