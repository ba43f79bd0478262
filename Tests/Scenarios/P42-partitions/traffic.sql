update prt set id = 77 where id = 5; update prt set v = 'x' where id > 8 and id < 14; delete from prt where id = 50; insert into prt values (99, 'new');
begin; truncate prt; insert into prt values (3, 'after'); commit;
