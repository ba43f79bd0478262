INSERT INTO t VALUES (2, '[ ]'), (3, 'null'), (4, NULL), (5, '"\\u00e9\\ud83d\\ude00"');
UPDATE t SET j = '{"b":1 , "c" : [1e400, -0]}' WHERE id = 1;
