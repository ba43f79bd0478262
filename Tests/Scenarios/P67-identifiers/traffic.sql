update "My.Table" set "select" = 'from', "a""b" = 3; insert into "My.Table" values (2, null, null, null); update "order" set "group" = 'b' where "Group" = 2; delete from "order" where "group" = 'a';
