create table par(id int primary key); create table chd(id int primary key, par int references par on delete cascade);
insert into par values (1); insert into chd values (1, 1);
