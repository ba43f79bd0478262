create table lab.t(id int primary key, k int not null unique, v text);
create table lab.q(a int not null, b text collate "C" not null, k int unique, primary key (a, b));
