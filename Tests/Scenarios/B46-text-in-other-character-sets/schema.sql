SET NAMES utf8mb4;
CREATE TABLE texts (id int PRIMARY KEY, l varchar(40) CHARACTER SET latin1, u varchar(40) CHARACTER SET utf8mb3, w text CHARACTER SET utf16, g varchar(40) CHARACTER SET gbk, k varchar(40) CHARACTER SET koi8r, a varchar(40) CHARACTER SET ascii, m longtext CHARACTER SET utf8mb4);
INSERT INTO texts VALUES (1, 'café €ß', 'Ünïcode €', 'wide 𝄞 ü', '中文', 'мир', 'plain', '🐦 é'), (2, '', '', '', '', '', '', ''), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
