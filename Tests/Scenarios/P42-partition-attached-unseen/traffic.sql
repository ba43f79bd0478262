create table prt3 (id int primary key); insert into prt3 values (15); alter table prt attach partition prt3 for values from (10) to (20);
