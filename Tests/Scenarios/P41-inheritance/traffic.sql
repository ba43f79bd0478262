insert into c values (5, 'c5', 1); update p set a = 'both'; delete from c where id = 2;
