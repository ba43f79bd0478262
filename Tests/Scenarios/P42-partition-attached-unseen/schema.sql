create table prt(id int primary key) partition by range (id);
create table prt1 partition of prt for values from (0) to (10); insert into prt values (1);
