create table lab.t(id int primary key, v int);
create function lab.double() returns trigger language plpgsql as $$ begin new.v := new.v * 2; return new; end $$;
create trigger double before insert or update on lab.t for each row execute function lab.double();
