delete from lab.t where v = 'other';
