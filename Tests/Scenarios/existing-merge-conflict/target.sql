create table lab.t(id int primary key, k int unique); insert into lab.t values (1, 5), (3, 2);
