insert into t values (2, 7); update t set v = 3 where id = 1;
