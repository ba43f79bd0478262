create table uq(id int primary key, k int unique deferrable initially deferred, n int not null unique deferrable initially immediate);
insert into uq values (1, 1, 1), (2, 2, 2), (3, 3, 3);
create table plain(id int primary key, k int not null unique); insert into plain values (1, 10), (2, 20), (3, 30);
