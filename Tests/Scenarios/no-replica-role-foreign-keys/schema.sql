create table par(id int primary key, up int references par); create table now(id int primary key, par int not null references par);
create table late(id int primary key, par int references par deferrable initially deferred); create table casc(id int primary key, par int references par on delete cascade on update cascade);
insert into par select g, nullif(g / 2, 0) from generate_series(1, 500) g; insert into now select g, 1 + g % 400 from generate_series(1, 500) g;
insert into late select g, g from generate_series(1, 300) g; insert into casc select g, g from generate_series(450, 490) g;
