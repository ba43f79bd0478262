create table t(id int primary key, k int unique); insert into t values (1, 1), (2, 2);
