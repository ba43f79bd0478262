create table lab.t(id int primary key, k int not null unique, v text);
create table lab.q(a int not null, b text collate "C" not null, k int unique, primary key (a, b));
insert into lab.t select g, 20001 - g, 'old' from generate_series(1, 20000) g;
insert into lab.q select g % 100, 'b' || g, 5001 - g from generate_series(1, 5000) g;
insert into lab.t select 90000 + g, 90000 + g, 'other' from generate_series(1, 100) g;
