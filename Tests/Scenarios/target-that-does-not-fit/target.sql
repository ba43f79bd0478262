create table lab.t(id int primary key, n numeric(10,2));
