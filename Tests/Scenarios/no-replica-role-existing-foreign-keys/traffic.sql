insert into p values (301); insert into c values (601, 301, 301); delete from c where id = 5;
