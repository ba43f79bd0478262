delete from n where ctid = (select min(ctid) from n);
update n set b = 'y' where ctid = (select min(ctid) from n where a = 1);
delete from n where ctid = (select min(ctid) from n where a is null);
insert into n values (null, 'z'), (3, null);
update n set a = 4 where b is null;
