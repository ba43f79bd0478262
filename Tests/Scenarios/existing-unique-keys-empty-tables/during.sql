-- Values go from row to row, over all chunks, in transactions of their own and in one; rows are
-- deleted and their values come back under other keys.
do $$ declare i1 int; i2 int; x int; y int; begin
  for i in 1..300 loop
    i1 := 1 + (i * 7919) % 20000; i2 := 1 + (i * 104729) % 20000;
    select k into x from t where id = i1; select k into y from t where id = i2;
    continue when x is null or y is null or i1 = i2;
    update t set k = -i where id = i1; commit;
    update t set k = x, v = 'second' where id = i2; commit;
    update t set k = y where id = i1; commit;
    delete from t where id = 20000 - i returning k into x; commit;
    insert into t values (case when i % 2 = 0 then 30000 + i else 20000 - i end, x, 'again'); commit;
    update q set k = -k where a = i % 100 and k > 0; commit;
    update q set k = -k, a = (a + 50) % 100 where a = i % 100 and k < 0; commit;
  end loop;
end $$;
