create table t(id int primary key, v text); insert into t select g, 'loaded' from generate_series(1, 100) g;
