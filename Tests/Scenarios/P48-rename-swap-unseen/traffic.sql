begin; alter table a rename to tmp; alter table b rename to a; alter table tmp rename to b; commit; insert into a values (2, 'was b');
