create table t(id int primary key, doc text);
insert into t values (1, '{"a": 1}'), (2, null);
