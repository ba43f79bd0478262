SET sql_mode = '';
CREATE TABLE d (id int PRIMARY KEY, d date);
INSERT INTO d VALUES (1, '0000-00-00'), (2, '2024-00-00');
