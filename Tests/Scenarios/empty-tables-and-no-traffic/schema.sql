create table a(id int primary key); create table b(x text); alter table b replica identity full;
