begin; drop table t; create table t(id int primary key, v text); grant select on t to public; commit;
insert into t values (1, 'of another table');
