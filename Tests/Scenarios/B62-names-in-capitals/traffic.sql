INSERT INTO Mixed VALUES (2, 'b');
UPDATE `ÉTÉ` SET `größe` = 2 WHERE ID = 1;
TRUNCATE Mixed;
INSERT INTO Mixed VALUES (3, 'c');
