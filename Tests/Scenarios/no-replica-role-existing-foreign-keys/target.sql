create table lab.p(id int primary key);
create table lab.c(id int primary key, p int constraint shared references lab.p deferrable,
  o int constraint own references lab.p deferrable);
