create table r(id int primary key); insert into r values (1); alter table r enable row level security; create policy p on r using (id > 5);
