update t set v = 'changed' where id < 9; delete from t where id = 9; insert into t values (600, 'new');
