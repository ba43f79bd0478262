create table n(a json, b point, c xml, d box);
alter table n replica identity full;
insert into n values ('{"a":1}', '(1,2)', '<a/>', '((0,0),(1,1))'), ('{"a":1}', '(1,2)', '<a/>', '((0,0),(1,1))'), (null, null, null, null);
