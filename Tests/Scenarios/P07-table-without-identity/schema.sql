create table n(a int); insert into n values (1);
