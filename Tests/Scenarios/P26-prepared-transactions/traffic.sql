begin; insert into t values (1, 1); prepare transaction 'martlet-g1';
insert into t values (2, 2);
begin; insert into t values (3, 3); prepare transaction 'martlet-g2';
commit prepared 'martlet-g1'; rollback prepared 'martlet-g2'; insert into t values (4, 4);
