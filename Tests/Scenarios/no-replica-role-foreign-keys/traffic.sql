begin; insert into late values (1000, 1000); insert into now values (1000, 5); insert into par values (1000, 1000); commit;
update par set id = 2450 where id = 450; delete from par where id between 460 and 470; update now set par = 1000 where id = 7;
begin; delete from late; update par set up = null; delete from now; truncate casc; delete from par where id < 300; insert into par values (1, 1000); insert into now values (1, 1); commit;
