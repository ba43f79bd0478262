create table t(id int primary key, v text); insert into t select g, 'source' from generate_series(1, 500) g;
