begin; alter table t add c int; insert into t select g, repeat('a', 100), g from generate_series(1, 3000) g; rollback;
insert into t values (1, 'after');
begin; savepoint a; alter table t add c int; insert into t select g, repeat('a', 100), g from generate_series(1000, 4000) g; rollback to a; insert into t select g, 'x' from generate_series(5000, 8000) g; commit;
