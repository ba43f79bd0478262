update tn set v = -v; update tn set k = k + 1000 where k < 0 and k > -50; delete from tn where v % 5 = 0; insert into tn values (12345678901234567890.000, 9);
update tt set v = -v; update tt set k = 'z' || k where v % 2 = 0; delete from tt where v % 7 = 0;
update tc set c = c + 1, v = v + 1000 where a = 3; delete from tc where a = 5; insert into tc values (99, '', 'infinity', 0);
update tu set v = -v; delete from tu where v % 3 = 0; update tb set v = v + 1; delete from tb where k = '\x00'; update ts set v = 0 where v % 2 = 0; update ts set k = k + interval '1 minute' where v = 0 and k < 'infinity' and k > '-infinity';
update tf set k = 'd' || v where v % 4 = 0; update te set v = 7; insert into te values ('ok', 3); delete from te where k = 'sad'; update td set v = 0 where k > 100; delete from td where k < 50;
update ti set v = 'w' where id < 10; update ti set k = k + 5000 where id > 290; delete from ti where id between 20 and 30;
