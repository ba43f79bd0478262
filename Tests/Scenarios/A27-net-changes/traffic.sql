begin; update t set id = 0, k = 0 where id = 1; update t set id = 1, k = 200 where id = 2; update t set id = 2, k = 1 where id = 0; commit;
begin; insert into t values (30, 'x', 30); delete from t where id = 30; commit;
begin; delete from t where id = 3; insert into t values (3, 'again', 33); commit;
begin; update t set id = 50 where id = 4; insert into t values (4, 'new', 44); delete from t where id = 50; commit;
begin; update t set v = 'a' where id = 5; update t set v = 'b' where id = 5; delete from t where id = 5; insert into t values (5, null, null); commit;
