create table a(id int primary key, x text); create table b(id int primary key, x text); insert into a values (1, 'a'); insert into b values (1, 'b');
