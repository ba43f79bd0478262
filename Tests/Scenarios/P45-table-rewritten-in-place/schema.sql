create table t(id int primary key, v text); insert into t select g, 'v' from generate_series(1, 100) g; create table other(id int primary key);
