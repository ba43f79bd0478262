create table lab_t(id integer primary key, k integer not null unique, v text) strict;
create table lab_q(a integer not null, b text not null, k integer unique, primary key (a, b)) strict;
