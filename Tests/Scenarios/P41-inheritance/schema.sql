create table p(id int primary key, a text); create table c(extra int, primary key (id)) inherits (p);
insert into p values (1, 'p'); insert into c values (2, 'c', 3);
