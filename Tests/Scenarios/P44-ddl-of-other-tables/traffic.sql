-- One string of several statements; \; keeps psql from cutting it.
create table other.m1(a serial primary key)\; create table other.m2(a int)\; insert into other.m2 values (1)\; insert into t values (2, 'b');
do $$ begin execute 'create table other.dyn(a int)'; insert into t values (3, 'c'); execute 'drop table other.dyn'; end $$;
begin; alter table other.m1 add b text default 'x'; update t set v = v || '+'; alter table other.m1 rename to m3; insert into t values (4, 'd'); commit;
