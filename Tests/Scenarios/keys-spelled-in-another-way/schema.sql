create extension citext;
create table tn(k numeric primary key, v int, large text); alter table tn alter large set storage external;
insert into tn select g, g, repeat('x', 3000) from generate_series(1, 4000) g;
create table tf(k float8 primary key, v int); insert into tf select g, g from generate_series(-200, 200) g;
create table tc(k citext primary key, v int); insert into tc select 'k' || g, g from generate_series(1, 400) g;
create table ti(k interval primary key, v int); insert into ti select g * interval '1 day', g from generate_series(1, 400) g;
create collation folding (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
create table tl(k text collate folding primary key, v int); insert into tl select 'k' || g, g from generate_series(1, 400) g;
create table tj(k jsonb primary key, v int); insert into tj select to_jsonb(g), g from generate_series(1, 400) g;
