update uq set k = 3 - k where id < 3;
update uq set n = n % 3 + 1;
begin; update uq set k = 100 where id = 1; update uq set k = 1 where id = 2; update uq set k = 2 where id = 1; commit;
begin; delete from plain where id = 1; insert into plain values (4, 10); update plain set k = 31 where id = 3; update plain set k = 30 where id = 2; commit;
begin; update plain set k = k + 1000; update plain set k = k - 999; commit;
