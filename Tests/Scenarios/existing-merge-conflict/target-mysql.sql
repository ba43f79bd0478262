create table t(id int primary key, k int unique); insert into t values (1, 5), (3, 2);
