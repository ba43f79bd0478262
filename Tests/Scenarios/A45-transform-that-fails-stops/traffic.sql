insert into t values (3, '{"a": 3}');
insert into t values (4, '{geheim');
