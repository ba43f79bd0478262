-- Some 130 pages, read ten at a time by several workers; equal rows in many of them.
create table n(a int, b text) with (autovacuum_enabled = off);
alter table n replica identity full;
insert into n select g % 500, repeat(chr(97 + g % 5), g % 90) from generate_series(1, 15000) g;
-- Its children are tables of their own, with the same page numbers.
create table p(a int, b text);
create table c() inherits (p);
alter table p replica identity full;
alter table c replica identity full;
insert into p select g, 'parent' from generate_series(1, 5000) g;
insert into c select g, 'child' from generate_series(1, 5000) g;
-- Read as a whole.
create table r(a int, b text) partition by list (a);
create table r1 partition of r for values in (1);
create table r2 partition of r for values in (2);
alter table r replica identity full;
alter table r1 replica identity full;
alter table r2 replica identity full;
insert into r select 1 + g % 2, 'r' || g % 100 from generate_series(1, 5000) g;
