create table t(id int primary key, v text); insert into t select g, repeat('x', 300) from generate_series(1, 4000) g;
-- Any pause or read of the load is longer.
do $$ begin execute format('alter role %I set idle_in_transaction_session_timeout = ''10ms''', current_database() || '_capture');
execute format('alter role %I set lock_timeout = ''10ms''', current_database() || '_capture');
execute format('alter role %I set transaction_timeout = ''50ms''', current_database() || '_capture'); end $$;
