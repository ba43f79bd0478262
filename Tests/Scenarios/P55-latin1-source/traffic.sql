insert into t values (3, U&'na\00efve \00df'); update t set v = v || U&'\00c5' where id < 3;
