-- Rows move to other pages, go away and come while the parts are read.
do $$ begin
  for i in 1..200 loop
    update n set b = b || 'y' where a = (i * 37) % 500 and length(b) < 120; commit;
    delete from n where ctid in (select ctid from n where a = (i * 53) % 500 limit 3); commit;
    insert into n select i, 'new' from generate_series(1, 10); commit;
    update p set b = b || i where a % 200 = i; commit;
    update r set a = 3 - a where b = 'r' || i % 100; commit;
  end loop;
end $$;
