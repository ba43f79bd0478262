create table lab.t(extra int default 5, d date, b int, id int primary key, a text, note text);
