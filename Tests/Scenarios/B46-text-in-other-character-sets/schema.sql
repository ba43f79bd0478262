SET NAMES utf8mb4;
CREATE TABLE texts (id int PRIMARY KEY, l varchar(40) CHARACTER SET latin1, u varchar(40) CHARACTER SET utf8mb3, w text CHARACTER SET utf16, g varchar(40) CHARACTER SET gbk, k varchar(40) CHARACTER SET koi8r, a varchar(40) CHARACTER SET ascii, s varchar(40) CHARACTER SET sjis, j text CHARACTER SET ujis, b char(40) CHARACTER SET big5, c varchar(40) CHARACTER SET cp866, t varchar(40) CHARACTER SET tis620, w7 varchar(40) CHARACTER SET swe7, m longtext CHARACTER SET utf8mb4);
INSERT INTO texts VALUES (1, 'café €ß', 'Ünïcode €', 'wide 𝄞 ü', '中文', 'мир', 'plain', '日本ｱ〜', '日本〜丂', '繁體字', 'Привет░', 'ภาษา', 'åÅ', '🐦 é'), (2, '', '', '', '', '', '', '', '', '', '', '', '', ''), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE keys_of_big5 (k char(20) CHARACTER SET big5 COLLATE big5_bin PRIMARY KEY, v int);
INSERT INTO keys_of_big5 VALUES ('繁', 1), ('體', 2), ('a', 3);
