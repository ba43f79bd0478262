create table lab.t(id int primary key, v text, own int default 5);
insert into lab.t select g, 'target', 1 from generate_series(400, 550) g;
