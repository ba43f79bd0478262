create table t(id int primary key, n numeric(20,5)); insert into t values (1, 1.23456);
