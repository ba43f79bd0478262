create table t(id int primary key, b int); insert into t values (1, 1), (2, 2);
