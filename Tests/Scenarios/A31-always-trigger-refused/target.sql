create table lab.t(id int primary key, v int);
create function lab.f() returns trigger language plpgsql as $$ begin new.v := 0; return new; end $$;
create trigger always before insert on lab.t for each row execute function lab.f(); alter table lab.t enable always trigger always;
