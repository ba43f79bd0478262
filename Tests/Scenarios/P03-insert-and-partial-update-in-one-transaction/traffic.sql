begin; insert into t values (1, repeat('x', 9000), 1); update t set b = 2; update t set b = 3; commit;
begin; insert into t values (2, repeat('y', 9000), 1); commit; update t set b = 5 where id = 2;
