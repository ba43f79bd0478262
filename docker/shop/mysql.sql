CREATE USER martlet@'%' IDENTIFIED BY 'apply';
GRANT ALL ON shop.* TO martlet@'%';
GRANT ALL ON martlet.* TO martlet@'%';
