insert into b values (null), (''); insert into a values (1);
