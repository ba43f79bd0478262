create function twice(integer, out integer) language sql immutable as 'select $1 * 2'; create domain even as int check (twice(value) > 0);
create table t(id int primary key, e even, v int default twice(4)); insert into t values (1, 1);
