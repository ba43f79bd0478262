create table t(code text primary key, n int);
insert into t values ('geheim', 1), ('Geheim', 2);
