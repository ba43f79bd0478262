create table lab.t(v text); insert into lab.t values ('a');
