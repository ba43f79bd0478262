CREATE TABLE lists (id int PRIMARY KEY, ints int[], texts text[], boxes box[], period tstzrange,
  numbers int4multirange, amounts numrange);
INSERT INTO lists VALUES
  (1, '[0:1]={1,2}', '{NULL,"NULL","a,b","{}","\"","\\",""}', '{(1,2),(0,0);(3,4),(1,1)}',
   '[2024-01-01,2024-02-01)', '{[1,3],[7,9)}', '(1.5,2.50]'),
  (2, '{{1,2},{3,NULL}}', '{}', NULL, 'empty', '{}', '(,)'),
  (3, '{{NULL},{NULL}}', '{{a,b},{c,d}}', '{}', '[,)', NULL, '[1,1]');
