delete from t where id > 500 and v = 'target' and own = 1;
