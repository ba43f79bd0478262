create table large(id int primary key, t text, b bytea, j jsonb); alter table large alter t set storage external;
insert into large select g, repeat('äx', 700000), decode(repeat('00ff', 400000), 'hex'), jsonb_build_object('k', repeat('y', 400000)) from generate_series(1, 3) g;
-- Many columns in a row of more than a page of pointers.
select format('create table wide(id int primary key, %s)', string_agg(format('c%s text', g), ', ')) from generate_series(1, 300) g \gexec
insert into wide(id) select generate_series(1, 20); update wide set c1 = 'a', c300 = repeat('z', 3000);
