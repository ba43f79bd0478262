update t set k = 50000 where id = 7;
update t set k = 7 where id = 8;
insert into t values (50001, 50001, 'new');
delete from t where id = 9;
