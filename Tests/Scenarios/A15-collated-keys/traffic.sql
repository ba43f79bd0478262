UPDATE collated SET v = v + 1 WHERE v % 3 = 0;
UPDATE collated SET name = 'x' || name WHERE v = 7;
DELETE FROM plain WHERE v = 9;
UPDATE plain SET name = '~' || name WHERE v < 5;
UPDATE padded SET v = 0 WHERE code > 'a';
INSERT INTO padded VALUES ('', 1), ('é', 2);
