create table t(id int primary key, k int not null unique, v longtext character set utf8mb4);
create table q(a int not null, b varchar(100) character set utf8mb4 /*!80017 collate utf8mb4_0900_bin */ /*M! collate utf8mb4_nopad_bin */ not null, k int unique, primary key (a, b));
insert into t with recursive n(g) as (select 1 union all select g + 1 from n where g < 20000)
  select g, 20001 - g, 'old' from n;
insert into t with recursive n(g) as (select 1 union all select g + 1 from n where g < 100)
  select 90000 + g, 90000 + g, 'other' from n;
