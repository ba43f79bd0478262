update t set b = 3; update t set id = 2; update t set a = 'short' where id = 2;
