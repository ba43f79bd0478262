truncate par cascade; insert into par values (100); insert into chd values (1, 100);
begin; insert into s values (2, 'b'); truncate s restart identity; insert into s values (3, 'c'); commit;
begin; truncate par, chd; insert into par values (7); insert into chd values (7, 7); update chd set id = 8; commit;
