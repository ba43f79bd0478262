update t set v = v || 'y' where id % 3 = 0; insert into t values (0, 'new');
