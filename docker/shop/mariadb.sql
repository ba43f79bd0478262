-- A shop, somebody who buys in it, and who may read its log.
CREATE TABLE customers (
  id int unsigned PRIMARY KEY AUTO_INCREMENT,
  name varchar(100) NOT NULL,
  kind enum('person', 'company') NOT NULL,
  since date NOT NULL
);
CREATE TABLE articles (
  id int unsigned PRIMARY KEY AUTO_INCREMENT,
  title varchar(200) NOT NULL,
  price decimal(8, 2) NOT NULL,
  stock int NOT NULL,
  picture blob NOT NULL
);
CREATE TABLE orders (
  id bigint unsigned PRIMARY KEY AUTO_INCREMENT,
  customer int unsigned NOT NULL,
  article int unsigned NOT NULL,
  quantity int NOT NULL,
  paid bool NOT NULL,
  at timestamp(6) NOT NULL,
  FOREIGN KEY (customer) REFERENCES customers (id),
  FOREIGN KEY (article) REFERENCES articles (id)
);
INSERT INTO customers (name, kind, since)
  SELECT concat('Customer ', seq), if(seq % 3, 'person', 'company'), '2020-01-01' + INTERVAL seq DAY
  FROM seq_1_to_1000;
INSERT INTO articles (title, price, stock, picture)
  SELECT concat('Article ', seq), seq * 1.10, 1000000, unhex(md5(seq)) FROM seq_1_to_1000;
INSERT INTO orders (customer, article, quantity, paid, at)
  SELECT 1 + seq % 1000, 1 + seq % 999, 1 + seq % 3, seq % 2, now(6) FROM seq_1_to_100000;

DELIMITER //
CREATE PROCEDURE buy() MODIFIES SQL DATA
BEGIN
  DECLARE chosen int DEFAULT 1 + floor(rand() * 999);
  START TRANSACTION;
  INSERT INTO orders (customer, article, quantity, paid, at)
    VALUES (1 + floor(rand() * 1000), chosen, 1, false, now(6));
  UPDATE articles SET stock = stock - 1 WHERE id = chosen;
  UPDATE orders SET paid = true WHERE id = chosen * 7;
  DELETE FROM orders WHERE id = chosen * 13;
  COMMIT;
END //
DELIMITER ;

CREATE USER writer@'%' IDENTIFIED BY 'writer';
GRANT EXECUTE ON PROCEDURE shop.buy TO writer@'%';
CREATE USER capture@'%' IDENTIFIED BY 'capture';
GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO capture@'%';
GRANT SELECT ON shop.* TO capture@'%';
