vacuum full t;
update t set v = 'w' where id < 10;
cluster t using t_pkey;
delete from t where id > 90; insert into other values (1);
