update t set id = 2 where id = 1;
update t set id = 3, b = 9 where id = 2;
begin; update t set id = 4 where id = 3; update t set b = 1 where id = 4; delete from t where id = 5; commit;
