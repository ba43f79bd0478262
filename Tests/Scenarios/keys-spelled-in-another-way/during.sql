-- Rows come from above to where it is copied, without their large value; then their keys are spelled anew.
do $$ begin
  for i in 1..300 loop
    update tn set k = -i where k = 4001 - i; commit;
    update tn set k = -i * 1.0, v = i where k = -i; commit;
    if i % 3 = 0 then delete from tn where k = -i; else update tn set k = -i * 1.000, v = v + 1 where k = -i; end if; commit;
    update tf set k = k * -1 where k = 0; commit;
    update tc set k = upper(k), v = -v where v = i; update ti set k = v * interval '24:00', v = -v where v = i; commit;
    update tl set k = upper(k) where v = i; update tj set k = to_jsonb(v * 1.0), v = -v where v = i; commit;
    delete from tc where k = 'k' || (i - 5) and i % 2 = 0; delete from ti where k = (i - 5) * interval '1 day' and i % 2 = 0; commit;
  end loop;
end $$;
