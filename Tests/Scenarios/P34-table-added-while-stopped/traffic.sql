create table later(id int primary key); insert into later values (1); grant select on later to public; insert into t values (2);
