create table t(id int primary key, v text); insert into t values (1, U&'caf\00e9 \00a7 \00ff'), (2, 'plain');
