insert into t values (2, 'y', 3, null); update t set b = 9, d = 'infinity' where id = 1; delete from t where id = 2; insert into t values (3, 'z', 4, null);
