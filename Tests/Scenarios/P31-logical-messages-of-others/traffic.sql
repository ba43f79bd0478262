begin; insert into t values (1); select pg_logical_emit_message(false, 'martlet', 'fence:none'); rollback;
begin; select pg_logical_emit_message(true, 'other', 'hello'); insert into t values (2); commit;
select pg_logical_emit_message(true, 'martlet', 'something');
