create table lab_t(id integer primary key, v text, own int default 5);
insert into lab_t values (400, 'target', 1), (500, 'target', 1), (501, 'target', 1);
