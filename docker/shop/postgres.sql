-- One role writes what comes from MariaDB, owns it, and reads the log of it for MySQL.
CREATE ROLE martlet LOGIN REPLICATION PASSWORD 'apply';
GRANT CREATE ON DATABASE shop TO martlet;
GRANT SET ON PARAMETER session_replication_role TO martlet;
