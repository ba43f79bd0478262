ALTER ROLE :capture SET datestyle = 'German';
ALTER ROLE :capture SET intervalstyle = 'sql_standard';
ALTER ROLE :capture SET bytea_output = 'escape';
ALTER ROLE :capture SET timezone = 'Asia/Kolkata';
ALTER ROLE :capture SET extra_float_digits = 0;
ALTER ROLE :capture SET client_encoding = 'LATIN1';
ALTER ROLE :capture SET default_transaction_isolation = 'serializable';
ALTER ROLE :capture SET statement_timeout = '50ms';
