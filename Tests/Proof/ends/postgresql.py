"""PostgreSQL as source and target. What the methods are for: ends/__init__.py."""

import re
import shutil
import subprocess
from pathlib import Path

import psycopg2
import psycopg2.extensions

from harness import (KEEP, LAB, PORT_BASE, at_end, forget, free_port, log, require, servers, unique,
                     wait_until)
from values import Column, canonical, quoted

# What decides how a value looks as text: the same on both sides of every comparison.
PINNED = (
    "-c datestyle=ISO,MDY -c intervalstyle=postgres -c extra_float_digits=3 "
    "-c bytea_output=hex -c timezone=UTC -c lc_monetary=C"
)

# Rights on parameters are one row of the catalogue for all roles of a server, and changing it twice
# at once is an error ("tuple concurrently updated"): whoever changes it, in any process, waits here.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(4711)"


class Server:
    """A server of scripts/servers. Shared: never restarted or reconfigured from here."""

    engine = "postgresql"

    def __init__(self, name):
        self.name = name
        self.sockets = LAB / "run" / name
        self.port = PORT_BASE + int(name[2:])

    @property
    def major(self):
        return int(self.name[2:4])

    def connect(self, database="postgres", user="postgres", autocommit=True, options=""):
        link = psycopg2.connect(
            host=str(self.sockets), port=self.port, dbname=database, user=user,
            application_name="proof", connect_timeout=10, options=f"{PINNED} {options}")
        link.autocommit = autocommit
        return link

    def query(self, sql, database="postgres", user="postgres"):
        link = self.connect(database, user)
        try:
            with link.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []
        finally:
            link.close()

    def url(self, database, user="postgres", sockets=None, port=None):
        return f"postgres://{user}@/{database}?host={sockets or self.sockets}&port={port or self.port}"


class PrivateServer(Server):
    """A cluster of the proof's own: it may be stopped, restarted, killed and reconfigured."""

    def __init__(self, name, settings=None):
        self.name = name
        folder = unique("proof")
        root = LAB if name == "pg15" else LAB / "root" / "lab"
        self.inside = f"{LAB if name == 'pg15' else '/lab'}/private/{folder}"
        self.folder = root / "private" / folder
        self.sockets = self.folder
        self.port = free_port()
        self.folder.mkdir(parents=True)
        shutil.chown(self.folder, "postgres", "postgres")
        at_end(self.remove)
        self.program("initdb", "--pgdata", f"{self.inside}/data", "--username", "postgres",
                     "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync")
        self.configure(settings or {})
        self.start()

    def program(self, *arguments):
        return servers("bin", self.name, *arguments)

    def configure(self, settings):
        values = {
            "listen_addresses": "127.0.0.1", "port": self.port,
            "unix_socket_directories": self.inside, "wal_level": "logical",
            "max_replication_slots": 20, "max_wal_senders": 20, "max_connections": 100,
            "max_wal_size": "2GB", "log_line_prefix": "%m [%p] %a ", **settings}
        with open(self.folder / "data/postgresql.conf", "a", encoding="utf-8") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in values.items())

    def start(self):
        self.program("pg_ctl", "--pgdata", f"{self.inside}/data", "--wait",
                     "--log", f"{self.inside}/log", "start")

    def stop(self, mode="fast"):
        self.program("pg_ctl", "--pgdata", f"{self.inside}/data", "--wait", "--timeout", "60",
                     "--mode", mode, "stop")

    def restart(self, mode="fast"):
        self.stop(mode)
        self.start()

    def remove(self):
        forget(self.remove)
        try:
            self.stop("immediate")
        except subprocess.CalledProcessError:
            pass  # it was stopped already
        if not KEEP:
            shutil.rmtree(self.folder)


class StandbyServer(PrivateServer):
    """A streaming standby of a private server."""

    def __init__(self, primary, settings=None):
        self.name = primary.name
        folder = unique("standby")
        self.inside = f"{Path(primary.inside).parent}/{folder}"
        self.folder = primary.folder.parent / folder
        self.sockets = self.folder
        self.port = free_port()
        self.folder.mkdir(parents=True)
        shutil.chown(self.folder, "postgres", "postgres")
        at_end(self.remove)
        self.program("pg_basebackup", "--pgdata", f"{self.inside}/data", "--username", "postgres",
                     "--host", primary.inside, "--port", str(primary.port), "--checkpoint", "fast",
                     "--write-recovery-conf", "--create-slot", "--slot", folder, "--no-sync")
        self.configure({"hot_standby_feedback": "on", **(settings or {})})
        self.start()

    def promote(self):
        self.program("pg_ctl", "--pgdata", f"{self.inside}/data", "--wait", "promote")


class Database:
    engine, Error = "postgresql", psycopg2.Error
    # What is said of a certificate by another authority, and of one for another host.
    WRONG_AUTHORITY = "certificate verify failed"
    OTHER_NAME = ("another.example", "&hostaddr=127.0.0.1", "does not match host name")

    def __init__(self, server, prefix, schema, encoding=""):
        self.server, self.schema = server, schema
        self.name = unique(prefix)
        self.roles = []
        form = f" ENCODING '{encoding}' LOCALE 'C'" if encoding else ""
        server.query(f"CREATE DATABASE {self.name} TEMPLATE template0{form}")
        at_end(self.drop)

    def role(self, name, attributes=""):
        role = f"{self.name}_{name}"
        self.server.query(f"CREATE ROLE {role} LOGIN {attributes}")
        self.roles.append(role)
        return role

    def connect(self, user="postgres", autocommit=True, options=""):
        return self.server.connect(self.name, user, autocommit, options)

    def query(self, sql, user="postgres"):
        return self.server.query(sql, self.name, user)

    def value(self, sql, user="postgres"):
        return self.query(sql, user)[0][0]

    def url(self, user="postgres", **place):
        return self.server.url(self.name, user, **place)

    def over_tcp(self, role, host, word=None, more=""):
        login = role if word is None else f"{role}:{word}"
        return f"postgres://{login}@{host}:{self.server.port}/{self.name}?{more}"

    def set_password(self, role, word):
        self.server.query(f"ALTER ROLE {role} PASSWORD '{word}'")

    def demand_tls(self, role):
        """Of PostgreSQL, `require_encrypted` sees it."""

    def require_encrypted(self, role):
        rows = self.query("SELECT s.ssl, count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a "
                          f"USING (pid) WHERE a.usename = '{role}' GROUP BY 1")
        require([row[0] for row in rows] == [True], f"{role}: encrypted or not: {rows}")

    def named(self, table):
        return table

    def series(self, first, last):
        return f"generate_series({first}, {last}) AS series(g)"

    def end_sessions(self, most=None):
        """Ends sessions of Martlet, all or some; how many there were."""
        limit = "ALL" if most is None else most
        return self.value(
            "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity WHERE "
            f"datname = '{self.name}' AND application_name LIKE 'martlet%' ORDER BY random() "
            f"LIMIT {limit}) AS chosen")

    def place_of(self, table):
        """ONLY: a child by inheritance is a table of its own (P41)."""
        name = f"{self.schema}.{quoted(table)}"
        only = self.value(
            f"SELECT relkind = 'r' FROM pg_class WHERE oid = $name${name}$name$::regclass")
        return f"ONLY {name}" if only else name

    def values(self, table, columns):
        """The columns that are not there, and the rows as canonical texts."""
        place = self.place_of(table)
        there = {row[0] for row in self.query(
            "SELECT attname FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped AND attrelid = "
            f"$name${place.removeprefix('ONLY ')}$name$::regclass")}
        # format() takes the type's own output: a cast to text loses the padding of char(n).
        texts = ", ".join(
            f"CASE WHEN {quoted(column.name)} IS DISTINCT FROM NULL "
            f"THEN format('%s', {quoted(column.name)}) END" if column.name in there else "NULL"
            for column in columns)
        return {column.name for column in columns if column.name not in there}, (
            tuple(text_of(column.kind, text) for column, text in zip(columns, row))
            for row in self.query(f"SELECT {texts} FROM {place}"))

    def digest(self, table, columns):
        """Count and a sum of 128 bits over all rows: it does not depend on their order, and equal
        rows do not cancel each other."""
        listed = ", ".join(quoted(column.name) for column in columns)
        half = "sum(('x' || substr(h, {}, 16))::bit(64)::bigint::numeric)::text"
        return self.query(
            f"SELECT count(*), {half.format(1)}, {half.format(17)} FROM (SELECT md5(convert_to("
            f"ROW({listed})::text, 'UTF8')) AS h FROM {self.place_of(table)}) AS hashed")

    def hold(self, table, readable=False):
        """Locks a table until the result is called."""
        link = self.connect(autocommit=False)
        mode = "SHARE" if readable else "ACCESS EXCLUSIVE"
        link.cursor().execute(f"LOCK TABLE {table} IN {mode} MODE")
        return link.close

    def drop(self):
        if KEEP:
            log(f"kept: {self.url()}")
            return
        if not isinstance(self.server, PrivateServer):  # which goes as a whole
            self.remove()

    def remove(self):
        query = self.server.query
        query(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS false")
        query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
              f"WHERE datname = '{self.name}'")
        slots = f"FROM pg_replication_slots WHERE database = '{self.name}'"
        wait_until(lambda: not query(f"SELECT 1 {slots} AND active"), 20, "slots let go of")
        query(f"SELECT pg_drop_replication_slot(slot_name) {slots}")
        query(f"DROP DATABASE {self.name} WITH (FORCE)")
        for role in self.roles:
            query(f"{ONE_AT_A_TIME}; DROP OWNED BY {role}; DROP ROLE {role}")


KINDS = {
    "smallint": "integer", "integer": "integer", "bigint": "integer", "oid": "integer",
    "boolean": "boolean", "bytea": "bytes", "real": "float32", "double precision": "float64",
    "numeric": "decimal", "time without time zone": "time", "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
}


class Source(Database):
    """The installer owns the tables; the capture role owns nothing, reads and replicates."""

    def __init__(self, server, schema="lab", encoding=""):
        super().__init__(server, "src", schema, encoding)
        self.installer = self.role("installer")
        self.capture = self.role("capture", "REPLICATION")
        # A small one, so that transactions stream before they commit.
        self.query(f"ALTER ROLE {self.capture} SET logical_decoding_work_mem = '64kB'")
        self.query(f"GRANT CREATE ON DATABASE {self.name} TO {self.installer}")
        self.query(f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {self.installer}")
        self.query(f"GRANT USAGE ON SCHEMA {schema} TO {self.capture}")
        self.query(f"ALTER DEFAULT PRIVILEGES FOR ROLE {self.installer} IN SCHEMA {schema} "
                   f"GRANT SELECT ON TABLES TO {self.capture}")
        self.query(f"ALTER DEFAULT PRIVILEGES FOR ROLE {self.installer} IN SCHEMA {schema} "
                   f"GRANT SELECT ON SEQUENCES TO {self.capture}")

    def check_roles(self):
        """Capture is no superuser and owns nothing."""
        require(self.value(f"SELECT NOT rolsuper FROM pg_roles WHERE rolname = '{self.capture}'"),
                "the capture role is a superuser")
        owned = self.value(
            "SELECT (SELECT count(*) FROM pg_class WHERE relowner = r) + (SELECT count(*) FROM "
            "pg_publication WHERE pubowner = r) + (SELECT count(*) FROM pg_namespace WHERE "
            f"nspowner = r) FROM (SELECT '{self.capture}'::regrole::oid AS r) AS capture")
        require(owned == 0, f"the capture role owns {owned} objects")

    def position(self):
        return lsn(self.place())

    def place(self):
        """The same as text, for the command line."""
        return self.value("SELECT pg_current_wal_insert_lsn()")

    parse = staticmethod(lambda text: lsn(text))

    def order_reader(self):
        return OrderReader(self)

    def streamed(self, pipeline):
        """Transactions that the server sent before they committed, by its own count."""
        return sum(row[0] for row in self.query(
            "SELECT stream_txns FROM pg_stat_replication_slots WHERE slot_name LIKE "
            f"'martlet%{pipeline}'"))

    def table_names(self):
        """Of the schema: ordinary tables and partitioned roots, not their partitions."""
        rows = self.query(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND "
            f"relnamespace = '{self.schema}'::regnamespace ORDER BY relname")
        return [row[0] for row in rows]

    def columns(self, table):
        rows = self.query(
            "SELECT attname, format_type(coalesce(nullif(typbasetype, 0), atttypid), NULL), "
            "attgenerated <> '' FROM pg_attribute JOIN pg_type t ON t.oid = atttypid WHERE attnum > "
            f"0 AND NOT attisdropped AND attrelid = $name${self.schema}.{quoted(table)}$name$"
            "::regclass ORDER BY attnum")
        return [Column(name, KINDS.get(kind, "text"), generated)
                for name, kind, generated in rows]


class Target(Database):
    """The apply role is not a superuser; it may switch triggers off for its own session."""

    def __init__(self, server, schema="lab"):
        super().__init__(server, "dst", schema)
        self.apply = self.role("apply")
        self.query(f"GRANT CREATE ON DATABASE {self.name} TO {self.apply}")
        self.query(f"GRANT CREATE, USAGE ON SCHEMA public TO {self.apply}")
        self.query(f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {self.apply}")
        self.on_parameter("GRANT", "TO")

    def check_roles(self):
        require(self.value(f"SELECT NOT rolsuper FROM pg_roles WHERE rolname = '{self.apply}'"),
                "the apply role is a superuser")

    def take_replica_role(self):
        self.on_parameter("REVOKE", "FROM")

    def on_parameter(self, verb, to):
        self.server.query(
            f"{ONE_AT_A_TIME}; {verb} SET ON PARAMETER session_replication_role {to} {self.apply}")

    def link(self):
        return self.url(self.apply)

    def has(self, table):
        return self.value(f"SELECT to_regclass('{table}') IS NOT NULL")

    def greatest(self, link, table, key):
        """The greatest key of a table of the schema, as texts; None when there is none."""
        texts = ", ".join(f"{column}::text" for column in key)
        order = ", ".join(f"{column} DESC" for column in key)
        with link.cursor() as cursor:
            cursor.execute(f"SELECT to_regclass('{self.schema}.{table}') IS NOT NULL")
            if not cursor.fetchone()[0]:
                return None
            cursor.execute(
                f"SELECT {texts} FROM {self.schema}.{table} ORDER BY {order} LIMIT 1")
            return cursor.fetchone()

    def in_transaction(self):
        """A session of Martlet has written and not committed."""
        return self.value(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'martlet%' AND "
            f"backend_xid IS NOT NULL AND datname = '{self.name}'") > 0


def lsn(text):
    """0/5F2 as a number; 0 for none."""
    if not text:
        return 0
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)




def text_of(kind, text):
    if text is None:
        return None
    # CHAR(n) of MySQL has no padding of its own.
    return text.rstrip(" ") if kind == "char" else canonical(kind, text)


class OrderReader:
    """Commit order as the server itself decodes it, with test_decoding on a slot of its own."""

    def __init__(self, source):
        self.source = source
        self.slot = unique("order")
        source.query(
            f"SELECT pg_create_logical_replication_slot('{self.slot}', 'test_decoding')")

    def audit_order(self):
        """The `tx` of the audit rows by commit, with the positions of the commits."""
        rows = self.source.query(
            "SELECT lsn::text, data FROM pg_logical_slot_peek_changes("
            f"'{self.slot}', NULL, NULL, 'skip-empty-xacts', '1') WHERE data LIKE 'COMMIT%' "
            "OR data LIKE 'table lab.audit: INSERT%'")
        order, positions, last = [], [], 0
        for position, data in rows:
            if not data.startswith("COMMIT"):
                order.append(int(re.search(r"\btx\[bigint\]:(\d+)", data)[1]))
                continue
            require(lsn(position) > last, "the reader's own commits are out of order")
            last = lsn(position)
            positions += [position] * (len(order) - len(positions))
        require(len(positions) == len(order), "an audit row without its commit")
        return order, positions

    def history(self, found, most=12):
        """What the log says of the first key of each table that differs."""
        lines = []
        for text in found[:3]:
            table, key = text.split(":")[0], re.search(r"[\[(]\(([^,)]+)", text)
            if not key:
                continue
            rows = self.source.query(
                "SELECT lsn::text, xid::text, left(data, 160) FROM pg_logical_slot_peek_changes("
                f"'{self.slot}', NULL, NULL, 'skip-empty-xacts', '1') WHERE data LIKE 'COMMIT%' OR "
                f"data LIKE 'table lab.{table}: TRUNCATE%' OR (data LIKE 'table lab.{table}:%' AND "
                f"data ~ $p$:'?{re.escape(key[1])}'?( |$)$p$)")
            touched = {xid for _, xid, data in rows if not data.startswith("COMMIT")}
            lines += [f"{table} {key[1]}: {position} xid {xid} {data}"
                      for position, xid, data in rows if xid in touched][-most:]
        return lines

    def close(self):
        self.source.query(f"SELECT pg_drop_replication_slot('{self.slot}')")


