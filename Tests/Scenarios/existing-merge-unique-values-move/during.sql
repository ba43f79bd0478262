-- Values go from row to row, over all chunks, in transactions of their own; rows are deleted and
-- come back. No key goes for good: the target's row would be one of those that are kept.
do $$ declare i1 int; i2 int; x int; y int; begin
  for i in 1..300 loop
    i1 := 1 + (i * 7919) % 20000; i2 := 1 + (i * 104729) % 20000;
    select k into x from t where id = i1; select k into y from t where id = i2;
    continue when x is null or y is null or i1 = i2;
    update t set k = -i where id = i1; commit;
    update t set k = x, v = 'second' where id = i2; commit;
    update t set k = y where id = i1; commit;
    delete from t where id = 20000 - i returning k into x; commit;
    insert into t values (20000 - i, x, 'again'); commit;
    update q set k = -k where a = i % 100 and k > 0; commit;
  end loop;
end $$;
