create table v (id int primary key, f float8, d date, n numeric(9,2), free numeric, t timestamptz);
insert into v values (1, 'NaN', '2024-01-01', 1, 'NaN', '2024-01-01'), (2, '-Infinity', 'infinity', 2, 2, null), (3, 0, '9999-12-31', 'NaN', 3, '1000-01-01');
