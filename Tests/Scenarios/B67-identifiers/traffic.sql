UPDATE `select` SET `a b` = 9, `quo``te` = 8, `ü` = 7;
INSERT INTO `select` VALUES (2, 2, 3, 4, 5);
