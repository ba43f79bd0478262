create table t(id int primary key, v longtext character set utf8mb4, own int default 5);
insert into t with recursive n(g) as (select 400 union all select g + 1 from n where g < 550)
  select g, 'target', 1 from n;
