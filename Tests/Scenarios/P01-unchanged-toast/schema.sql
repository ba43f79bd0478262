create table t(id int primary key, a text, b int);
alter table t alter a set storage external;
insert into t values (1, repeat('x', 9000), 1), (2, repeat('y', 9000), 1);
