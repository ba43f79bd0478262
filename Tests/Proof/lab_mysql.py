"""Targets of MySQL and MariaDB for the proofs, and their comparison by value with PostgreSQL.

A target has a database and a user of its own on a shared server of scripts/servers; the schema `lab`
of the source is mapped to the database, so that statements below may say `lab.` for it.
"""

import struct

import pymysql

from lab import (KEEP, LAB, at_end, describe, generated_columns, log, quoted, require,
                 rows_of, unique)

SERVERS = ("mariadb1011", "mariadb118", "mysql97")

# The target's own column numbers the transactions in the order in which they came.
AUDIT = """CREATE TABLE lab.audit (tx bigint PRIMARY KEY, session int NOT NULL, kind longtext
  CHARACTER SET utf8mb4 NOT NULL, xid bigint NOT NULL, arrival bigint NOT NULL AUTO_INCREMENT,
  KEY (arrival)) ENGINE = InnoDB"""

# What the apply role is granted: `check --print-grants` says the same.
PRIVILEGES = "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, REFERENCES"


class MySQLTarget:
    def __init__(self, name):
        self.server = name
        self.socket = LAB / "run" / name / "server.sock"
        self.schema = unique("dst")
        self.apply = unique("a")
        self.query(f"CREATE DATABASE {self.schema} CHARACTER SET utf8mb4")
        self.query(f"CREATE USER '{self.apply}'@'localhost'")
        for database in (self.schema, "martlet"):
            pattern = database.replace("_", "\\_")
            self.query(f"GRANT {PRIVILEGES} ON `{pattern}`.* TO '{self.apply}'@'localhost'")
        self.query(f"GRANT CREATE TEMPORARY TABLES ON martlet.* TO '{self.apply}'@'localhost'")
        at_end(self.drop)

    def connect(self, user="root"):
        # No conversions: values come as the server writes them.
        return pymysql.connect(
            unix_socket=str(self.socket), user=user, charset="utf8mb4", autocommit=True, conv={},
            init_command="SET time_zone = '+00:00'")

    def rows(self, sql):
        link = self.connect()
        try:
            with link.cursor() as cursor:
                cursor.execute(sql.replace("lab.", f"{self.schema}."))
                return [tuple(row) for row in cursor.fetchall()]
        finally:
            link.close()

    def query(self, sql, user=None):
        return [tuple(int(v) if isinstance(v, str) and v.lstrip("-").isdigit() else v for v in row)
                for row in self.rows(sql)]

    def check_roles(self):
        grants = self.rows(f"SHOW GRANTS FOR '{self.apply}'@'localhost'")
        require(not any("ALL PRIVILEGES" in grant for (grant,) in grants),
                "the apply role may do everything")

    def link(self):
        return f"mysql://{self.apply}@localhost/?socket={self.socket}"

    url = link

    def drop(self):
        log(f"kept: {self.link()} {self.schema}") if KEEP else self.remove()

    def remove(self):
        self.query(f"DROP DATABASE IF EXISTS {self.schema}")
        self.query(f"DROP USER IF EXISTS '{self.apply}'@'localhost'")

    # ---- Comparison by value ----

    def differences(self, source, table, columns):
        stored = {row[0] for row in self.rows(
            "SELECT column_name FROM information_schema.columns WHERE table_name = "
            f"'{table}' AND table_schema = '{self.schema}'")}
        left_out = [column for column, _ in columns if column not in stored]
        require(set(left_out) <= generated_columns(source, table), f"{table} lacks {left_out}")
        columns = [(column, kind) for column, kind in columns if column in stored]
        # format() takes the type's own output: a cast to text loses the padding of char(n).
        texts = ", ".join(f"CASE WHEN {quoted(column)} IS DISTINCT FROM NULL "
                          f"THEN format('%s', {quoted(column)}) END" for column, _ in columns)
        left, right = {}, {}
        for row in source.query(f"SELECT {texts} FROM {rows_of(source, table, columns)[0]}"):
            key = tuple(wanted(kind, value) for (_, kind), value in zip(columns, row))
            left[key] = left.get(key, 0) + 1
        listed = ", ".join(expression(column, kind) for column, kind in columns)
        for row in self.rows(f"SELECT {listed} FROM {self.schema}.`{table}`"):
            key = tuple(found(kind, value) for (_, kind), value in zip(columns, row))
            right[key] = right.get(key, 0) + 1
        return [] if left == right else [describe(table, left, right)]


def expression(column, kind):
    name = f"`{column}`"
    return {"bit": f"BIN({name} + 0)", "real": f"CAST({name} AS DOUBLE)",
            "bytea": f"HEX({name})"}.get(kind, name)


def wanted(kind, value):
    """A value of PostgreSQL as it is compared: docs/types.md."""
    if value is None:
        return None
    if kind == "bit":
        return int(value, 2)
    if kind == "real":
        return struct.pack("f", float(value))
    if kind == "double precision":
        return float(value).hex()
    if kind == "boolean":
        return "1" if value in ("t", "true") else "0"
    if kind == "bytea":
        return value[2:]
    if kind.startswith("timestamp"):
        return instant(value.removesuffix("+00"))
    return value


def found(kind, value):
    if value is None:
        return None
    value = value.decode() if isinstance(value, bytes) else str(value)
    if kind == "bit":
        return int(value, 2)
    if kind == "real":
        return struct.pack("f", float(value))
    if kind == "double precision":
        return float(value).hex()
    if kind == "bytea":
        return value.lower()
    if kind.startswith("timestamp"):
        return instant(value)
    return value


def instant(text):
    """PostgreSQL writes no zeros at the end of a second's fraction."""
    return text.rstrip("0").rstrip(".") if "." in text else text
