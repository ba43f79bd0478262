INSERT INTO extended SELECT 2, 'a@b.C', tags || 'x=>"y\"z"', path, '::1', mac, words, at_lsn
  FROM extended;
UPDATE extended SET mail = 'a@B.C' WHERE id = 1;
