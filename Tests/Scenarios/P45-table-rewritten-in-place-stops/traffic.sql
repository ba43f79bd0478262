vacuum full t;
insert into t values (2, 'w');
