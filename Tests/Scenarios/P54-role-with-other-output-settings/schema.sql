create table t(id int primary key, d date, ts timestamptz, i interval, b bytea, f float8, m money);
do $$ begin execute format('alter database %I set datestyle = ''German''', current_database()); execute format('alter database %I set intervalstyle = sql_standard', current_database());
execute format('alter database %I set bytea_output = escape', current_database()); execute format('alter database %I set timezone = ''Asia/Kolkata''', current_database()); execute format('alter database %I set extra_float_digits = -10', current_database()); end $$;
insert into t values (1, '2024-03-04', '2024-03-04 10:36:07+01', '1 mon -3 days 04:05:06', '\xff00', 0.1::float8 + 0.2, '1234.50');
