create table t(v longtext character set utf8mb4); insert into t values ('a');
