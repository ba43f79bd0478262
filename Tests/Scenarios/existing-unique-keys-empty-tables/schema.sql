create table t(id int primary key, k int not null unique, v text);
insert into t select g, g, 'v' || g from generate_series(1, 20000) g;
create table q(a int not null, b text collate "C" not null, k int unique, primary key (a, b));
insert into q select g % 100, 'b' || g, g from generate_series(1, 5000) g;
