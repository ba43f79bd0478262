CREATE TABLE Mixed (Id int PRIMARY KEY, V varchar(40));
INSERT INTO Mixed VALUES (1, 'a');
CREATE TABLE `ÉTÉ` (Id int PRIMARY KEY, `Größe` int);
INSERT INTO `ÉTÉ` VALUES (1, 1);
