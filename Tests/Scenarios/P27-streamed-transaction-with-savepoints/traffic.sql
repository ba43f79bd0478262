begin;
insert into t select g, repeat('a', 100) from generate_series(1, 3000) g;
savepoint x; insert into t select g, repeat('b', 100) from generate_series(3001, 6000) g;
savepoint y; update t set b = 'c' where id % 2 = 0; rollback to y;
rollback to x; insert into t select g, repeat('d', 100) from generate_series(6001, 9000) g;
savepoint z; delete from t where id < 100; release z;
commit;
begin; insert into t select g, 'never' from generate_series(10000, 14000) g; rollback;
