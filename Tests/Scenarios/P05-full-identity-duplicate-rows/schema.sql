create table n(a int, b text);
alter table n replica identity full;
insert into n values (1, 'x'), (1, 'x'), (1, 'x'), (null, null), (null, null), (2, '');
