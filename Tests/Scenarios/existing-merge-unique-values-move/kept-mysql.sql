delete from t where v = 'other';
