create collation folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false); create collation phone (provider = icu, locale = 'de-u-co-phonebk');
create collation plain_c (lc_collate = 'C', lc_ctype = 'C'); create domain word as text collate phone;
create table t(id int primary key, a text collate phone, b text collate folded, c word, constraint low check (a collate plain_c <> 'q')); create index on t (b collate plain_c);
create table k(name text collate phone primary key, v int);
insert into t select g, 'ä' || g, 'X', 'ö' from generate_series(1, 200) g; insert into k select chr(c) || g, g from generate_series(1, 100) g, unnest(array[97, 228, 65, 122]) c;
