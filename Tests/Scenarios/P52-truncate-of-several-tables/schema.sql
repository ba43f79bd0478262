create table par(id int primary key); create table chd(id int primary key, par int references par); create table s(id int primary key, v text);
insert into par select generate_series(1, 10); insert into chd select g, g from generate_series(1, 10) g; insert into s values (1, 'a');
