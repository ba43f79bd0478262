create table d(id int primary key deferrable initially deferred);
