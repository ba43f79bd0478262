create table p(id int primary key);
create table c(id int primary key, p int references p deferrable, o int);
insert into p select g from generate_series(1, 300) g;
insert into c select g, 1 + g % 300, 1 + g % 300 from generate_series(1, 600) g;
