CREATE TABLE m (id int PRIMARY KEY, v varchar(20)) ENGINE=MyISAM;
INSERT INTO m VALUES (1, 'a'), (2, 'b');
