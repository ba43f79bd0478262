-- A column of every base and range type of the server, and one of its array. A type that this list
-- does not know fails: it wants a value here. Types that take no input can only be NULL.
create table samples(type text primary key, value text);
insert into samples values ('"char"', 'x'), ('aclitem', 'postgres=r/postgres'), ('bigint', '-9223372036854775808'),
  ('bit', '1'), ('bit varying', '10101'), ('boolean', 't'), ('box', '(3,4),(1.5,-2)'), ('bytea', '\x00ff5c'),
  ('character', 'ä'), ('character varying', 'a "b", {c}\'), ('cid', '4294967295'), ('cidr', '10.1.0.0/16'),
  ('circle', '<(1,2),0.1>'), ('date', '4713-01-01 BC'), ('datemultirange', '{[2024-01-01,2024-02-01),[2025-01-01,)}'),
  ('daterange', '[2024-01-01,infinity]'), ('double precision', '-0'), ('inet', 'fe80::1/64'), ('int4multirange', '{[1,3),[7,9)}'),
  ('int4range', '(,5)'), ('int8multirange', '{}'), ('int8range', 'empty'), ('integer', '-2147483648'),
  ('interval', '-1 years +2 mons -3 days 04:05:06.000007'), ('json', '{"b": 1,  "a":[null], "b": 2}'), ('jsonb', '{"a": 1.10, "é": "\""}'),
  ('jsonpath', '$."a"[*]?(@ > 1)'), ('line', '{1,-1,0.5}'), ('lseg', '[(0,0),(1e-300,1)]'), ('macaddr', '08:00:2b:01:02:03'),
  ('macaddr8', '08:00:2b:01:02:03:04:05'), ('money', '-92233720368547758.08'), ('name', 'a "name"'), ('numeric', '-Infinity'),
  ('nummultirange', '{[1.10,2),(3,)}'), ('numrange', '(NaN,NaN]'), ('oid', '4294967295'), ('path', '[(0,0),(1,1),(2,0)]'), ('pg_lsn', 'FFFFFFFF/FFFFFFFF'),
  ('pg_snapshot', '10:20:10,14,15'), ('point', '(NaN,Infinity)'), ('polygon', '((0,0),(1,1),(2,0))'), ('real', '1.17549435e-38'),
  ('refcursor', 'a cursor'), ('regclass', 'pg_class'), ('regcollation', '"C"'), ('regconfig', 'english'), ('regdictionary', 'simple'),
  ('regnamespace', 'pg_catalog'), ('regoper', '||/'), ('regoperator', '+(integer,integer)'), ('regproc', 'version'), ('regprocedure', 'abs(integer)'),
  ('regrole', 'postgres'), ('regtype', 'integer'), ('smallint', '-32768'), ('text', E'\t\n\\N \\.'), ('tid', '(4294967295,65535)'),
  ('time with time zone', '24:00:00-15:59:59'), ('time without time zone', '24:00:00'), ('timestamp with time zone', '0044-03-15 00:00:00.000001 BC+00'),
  ('timestamp without time zone', '-infinity'), ('tsmultirange', '{["2024-01-01 00:00:00",)}'), ('tsquery', '''a'' & !''b'':*A'),
  ('tsrange', '["2024-01-01 00:00:00","2024-01-01 00:00:00.5")'), ('tstzmultirange', '{("2024-01-01 00:00:00+00",infinity)}'), ('tstzrange', '[,"2024-01-01 00:00:00+00"]'),
  ('tsvector', '''a'':1A,2 ''it''''s'''), ('txid_snapshot', '10:20:10'), ('uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), ('xid', '4294967295'), ('xid8', '18446744073709551615'),
  ('xml', '<a b="c">ä</a>'), ('gtsvector', null), ('pg_brin_bloom_summary', null), ('pg_brin_minmax_multi_summary', null), ('pg_dependencies', null),
  ('pg_mcv_list', null), ('pg_ndistinct', null), ('pg_node_tree', null), ('int2vector', '1 2 -3'), ('oidvector', '1 4294967295');
create view types as select format_type(t.oid, null) as type, case when t.typname = 'char' then '"char"' else format('pg_catalog.%I', t.typname) end as written, t.oid, t.typname as name, t.typarray, s.type is not null as known, s.value from pg_type t left join samples s on s.type = format_type(t.oid, null)
  where t.typnamespace = 'pg_catalog'::regnamespace and t.typtype in ('b', 'r', 'm') and (t.typcategory <> 'A' or t.typname in ('int2vector', 'oidvector'));
do $$ declare columns text; names text; given text; begin
  if exists (select from types where not known) then raise 'no value for %', (select string_agg(type, ', ') from types where not known); end if;
  select string_agg(format('%I %s', 'c_' || name, written) || case when typarray <> 0 then format(', %I %s[]', 'a_' || name, written) else '' end, ', ' order by oid),
    string_agg(format('%I', 'c_' || name) || case when typarray <> 0 then format(', %I', 'a_' || name) else '' end, ', ' order by oid),
    string_agg(format('%L::%s', value, written) || case when typarray = 0 then '' when value is null then ', null'
      else format(', array[%1$L::%2$s, null, %1$L::%2$s]', value, written) end, ', ' order by oid)
    into columns, names, given from types;
  execute format('create table every(id int primary key, %s)', columns);
  execute format('create table every_full(id int, %s)', columns);
  execute format('insert into every(id, %s) values (1, %s)', names, given);
end $$;
insert into every(id) values (2);
insert into every_full select * from every; alter table every_full replica identity full;
drop view types;
