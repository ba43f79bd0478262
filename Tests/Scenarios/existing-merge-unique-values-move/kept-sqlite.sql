delete from lab_t where v = 'other';
