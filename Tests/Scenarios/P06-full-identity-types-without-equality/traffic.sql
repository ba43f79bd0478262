update n set b = '(3,4)' where ctid = (select min(ctid) from n);
delete from n where ctid = (select max(ctid) from n where a is not null);
delete from n where a is null;
