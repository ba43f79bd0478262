update t set b = 2;
update t set b = b + 1 where id = 1;
begin; update t set b = 7 where id = 2; update t set a = null where id = 2; update t set b = 8 where id = 2; commit;
