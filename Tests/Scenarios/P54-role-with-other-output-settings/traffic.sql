insert into t select 2, d, ts, i, b, f, m from t; update t set f = f / 3 where id = 1;
