CREATE TABLE `select` (id int PRIMARY KEY, `a b` int, `quo``te` int, `"x"` int, `ü` int);
INSERT INTO `select` VALUES (1, 2, 3, 4, 5);
