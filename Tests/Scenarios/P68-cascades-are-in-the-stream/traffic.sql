delete from par where id < 5; update par set id = id + 100 where id > 15; insert into par values (500, 1);
