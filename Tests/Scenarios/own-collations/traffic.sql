insert into t values (1000, 'z', 'x', 'o'); update t set b = lower(b) where id % 2 = 0; update k set name = name || 'ß' where v % 5 = 0; delete from k where v % 7 = 0;
