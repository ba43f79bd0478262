create table par(id int primary key, v int); create table chd(id int primary key, par int references par on delete cascade on update cascade);
create table nul(id int primary key, par int references par on delete set null on update cascade);
insert into par select g, g from generate_series(1, 20) g; insert into chd select g, g from generate_series(1, 20) g; insert into nul select g, g from generate_series(1, 20) g;
create function touch() returns trigger language plpgsql as $$ begin new.v := new.v + 1000; return new; end $$;
create trigger touch before insert on par for each row execute function touch();
