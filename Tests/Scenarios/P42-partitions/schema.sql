create table prt(id int, v text, primary key (id)) partition by range (id);
create table prt1 partition of prt for values from (0) to (10); create table prt2 partition of prt for values from (10) to (100);
insert into prt select g, 'v' || g from generate_series(0, 60) g;
