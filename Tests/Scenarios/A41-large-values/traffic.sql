insert into large select id + 10, t || '!', b || '\x01', j from large where id = 1;
update large set b = b || '\x02' where id = 2; update large set id = 30 where id = 3;
update wide set c200 = repeat('w', 5000), c299 = 'b' where id % 2 = 0; insert into wide(id, c7) values (21, 'c');
