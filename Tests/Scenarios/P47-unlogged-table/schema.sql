create unlogged table ul(id int primary key); insert into ul values (1);
