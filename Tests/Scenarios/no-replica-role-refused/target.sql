create table lab.par(id int primary key); create table lab.chd(id int primary key, par int constraint gone references lab.par on delete cascade);
create function lab.f() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger doubled before insert on lab.par for each row execute function lab.f();
