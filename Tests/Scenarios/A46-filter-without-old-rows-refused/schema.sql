create table t(id int primary key, kind text);
