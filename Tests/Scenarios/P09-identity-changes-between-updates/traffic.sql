update t set b = 5 where id = 1;
alter table t replica identity full;
update t set b = 6 where id = 1; delete from t where id = 2;
