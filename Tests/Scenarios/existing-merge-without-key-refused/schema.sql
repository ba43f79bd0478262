create table t(v text); insert into t values ('a'); alter table t replica identity full;
