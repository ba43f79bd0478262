create table "My.Table" ("Id" int primary key, "select" text, "a""b" int, "ünï cödé" text);
create table "order" ("group" text collate "C" primary key, "Group" int);
insert into "My.Table" values (1, 's', 2, 'ü'); insert into "order" values ('a', 1), ('B', 2);
