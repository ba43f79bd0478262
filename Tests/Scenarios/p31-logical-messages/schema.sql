CREATE TABLE spoken (id int PRIMARY KEY);
