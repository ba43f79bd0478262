create table lab_t(id integer primary key, k integer not null unique, v text) strict;
create table lab_q(a integer not null, b text not null, k integer unique, primary key (a, b)) strict;
with recursive n(g) as (select 1 union all select g + 1 from n where g < 20000)
  insert into lab_t select g, 20001 - g, 'old' from n;
with recursive n(g) as (select 1 union all select g + 1 from n where g < 5000)
  insert into lab_q select g % 100, 'b' || g, 5001 - g from n;
insert into lab_t values (90001, 90001, 'other'), (90002, 90002, 'other');
