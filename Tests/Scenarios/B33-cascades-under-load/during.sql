DELIMITER //
CREATE PROCEDURE churn() BEGIN
  DECLARE i INT DEFAULT 1;
  WHILE i <= 250 DO
    DELETE FROM p WHERE id = i * 3;
    INSERT INTO p VALUES (i * 3, 1);
    INSERT INTO c SELECT 100000 + i * 10 + g, i * 3, 1 FROM n;
    UPDATE c SET p = i * 3 WHERE p = i * 3 + 1 AND id % 2 = 0;
    UPDATE s SET p = i * 3 WHERE p = i * 3 + 1;
    START TRANSACTION;
    UPDATE c SET id = id + 1000000 WHERE p = i * 3 + 2 AND id % 7 = 0;
    DELETE FROM p WHERE id BETWEEN i * 3 + 1 AND i * 3 + 2;
    INSERT INTO p VALUES (i * 3 + 1, 2);
    INSERT INTO c VALUES (200000 + i, i * 3 + 1, 2);
    COMMIT;
    IF i % 5 = 0 THEN UPDATE p SET id = id + 5000 WHERE id = i * 3; END IF;
    SET i = i + 1;
  END WHILE;
END //
DELIMITER ;
CALL churn();
