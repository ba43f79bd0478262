create table t(id int primary key, a text, b int, gone int); alter table t drop gone; alter table t add d date; insert into t values (1, 'x', 2, '2024-02-29');
