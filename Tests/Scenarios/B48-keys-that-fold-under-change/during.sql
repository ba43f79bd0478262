-- A key is written anew, so that it stays equal to itself; some of them are deleted under another spelling.
DELIMITER //
CREATE PROCEDURE spell() BEGIN
  DECLARE i INT DEFAULT 1;
  WHILE i <= 300 DO
    UPDATE f SET k = upper(k) WHERE k = concat('kEy', i);
    UPDATE f SET k = concat('k', char(0xC3A9 USING utf8mb4), 'y', i), v = v + 1000 WHERE k = concat('key', i);
    UPDATE p SET k = concat(k, '  ') WHERE k = concat('key', i);
    UPDATE c SET k = upper(k), v = -v WHERE k = concat('key', i) AND n = i;
    UPDATE x SET k = upper(k), v = -v WHERE k = concat('key', i);
    IF i % 3 = 0 THEN
      DELETE FROM f WHERE k = concat('KEY', i); DELETE FROM p WHERE k = concat('key', i, ' ');
      DELETE FROM c WHERE k = concat('KEY', i); DELETE FROM x WHERE k = concat('KEY', i);
    END IF;
    IF i % 6 = 0 THEN
      START TRANSACTION;
      INSERT INTO f VALUES (concat('Key', i), 0); UPDATE f SET k = concat('KEY', i) WHERE k = concat('key', i);
      INSERT INTO p VALUES (concat('key', i, ' '), 0); UPDATE p SET k = trim(k), v = 1 WHERE k = concat('key', i);
      DELETE FROM p WHERE v = 1; INSERT INTO p VALUES (concat('key', i, '   '), 2);
      COMMIT;
    END IF;
    SET i = i + 1;
  END WHILE;
END //
DELIMITER ;
CALL spell();
