create table lab.t(id int primary key, n int); insert into lab.t values (9, 9);
