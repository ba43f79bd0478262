create table t(id int primary key, v text, k int unique); insert into t select g, 'v' || g, g from generate_series(1, 10) g;
