CREATE TABLE t (id int PRIMARY KEY, v varchar(40));
INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c');
CREATE TABLE seen (id int AUTO_INCREMENT PRIMARY KEY, t int, v varchar(40));
CREATE TRIGGER noted AFTER UPDATE ON t FOR EACH ROW INSERT INTO seen (t, v) VALUES (NEW.id, OLD.v);
