alter table t add u uuid default gen_random_uuid(); insert into t values (2, 2);
