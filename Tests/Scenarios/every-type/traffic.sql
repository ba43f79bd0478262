insert into every select (jsonb_populate_record(null::every, '{"id": 3}')).* ;
create temp table copy as select * from every where id = 1; update copy set id = 4; insert into every select * from copy;
delete from every where id = 1; update every set id = 5 where id = 4;
update every_full set id = 7 where id = 1; insert into every_full select * from every where id = 5; delete from every_full where id = 7;
