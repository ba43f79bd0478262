-- Nothing is rewritten and nothing is sent, and both rows hold 7 from now on.
alter table t add column z int default 7;
