insert into g (a) values (10), (11); update g set a = a + 100; update g set id = default where a = 101; delete from g where a = 110;
