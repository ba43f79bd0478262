-- What another replicator writes here is part of the source: origin 'none' would hide it.
select pg_replication_origin_create('o_' || current_database());
select pg_replication_origin_session_setup('o_' || current_database());
insert into t values (101, 'replicated'); update t set v = 'replicated' where id % 7 = 0; delete from t where id = 3;
select pg_replication_origin_session_reset();
insert into t values (102, 'local'); update t set v = v || '+' where id % 14 = 0;
select pg_replication_origin_drop('o_' || current_database());
