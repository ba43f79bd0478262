insert into t values (2, 5); update t set v = 7 where id = 1;
