"""Databases, roles, pipelines and comparisons for the proofs.

Everything made here has a name of its own and is removed when the program ends, also after
Ctrl-C or SIGTERM (MARTLET_KEEP=1 keeps it for a look). Nothing waits blindly: `wait_until` looks at
a condition until a deadline.

    MARTLET_BIN   the binary (default .build/debug/martlet of this checkout)
    MARTLET_LAB   where scripts/servers keeps its servers (default /var/lib/martlet-lab)
"""

import atexit
import json
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

import psycopg2
import psycopg2.extensions

REPOSITORY = Path(__file__).resolve().parents[2]
LAB = Path(os.environ.get("MARTLET_LAB", "/var/lib/martlet-lab"))
PORT_BASE = int(os.environ.get("MARTLET_LAB_PORT_BASE", "54300"))
MARTLET = os.environ.get("MARTLET_BIN", str(REPOSITORY / ".build/debug/martlet"))
KEEP = os.environ.get("MARTLET_KEEP") == "1"

# What decides how a value looks as text: the same on both sides of every comparison.
PINNED = (
    "-c datestyle=ISO,MDY -c intervalstyle=postgres -c extra_float_digits=3 "
    "-c bytea_output=hex -c timezone=UTC -c lc_monetary=C"
)

_cleanup = []
_roles = threading.Lock()


def at_end(action):
    """Runs `action` when the program ends; last in, first out."""
    if not _cleanup:
        atexit.register(_clean_up)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    _cleanup.append(action)


def _clean_up():
    while _cleanup:
        action = _cleanup.pop()
        try:
            action()
        except Exception as error:  # what is left must not hide what the test found
            print(f"clean up: {error}", file=sys.stderr)


def let_go(*things):
    """Drops databases now instead of at the end: their slots would hold the log, and run out."""
    for thing in things:
        if hasattr(thing, "drop") and thing.drop in _cleanup:
            _cleanup.remove(thing.drop)
            log(f"kept: {thing.url()}") if KEEP else thing.remove()


def unique(prefix):
    return f"{prefix}_{random.SystemRandom().getrandbits(40):010x}"


def log(*words):
    print(time.strftime("%H:%M:%S"), *words, flush=True)


class Failed(Exception):
    """A proof that did not hold. Everything else that is thrown is a defect of the harness."""


def require(condition, what):
    if not condition:
        raise Failed(what)


def wait_until(condition, seconds, what, pause=0.05):
    """The first true value of `condition()`; Failed when none came within `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed(f"not within {seconds} s: {what}")
        time.sleep(pause)


# ---- Servers ----------------------------------------------------------------------------------


def servers(*arguments, **options):
    command = [str(REPOSITORY / "scripts/servers"), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


class Server:
    """A server of scripts/servers. Shared: never restarted or reconfigured from here."""

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
        if self.remove in _cleanup:
            _cleanup.remove(self.remove)
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


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# ---- Databases and roles ----------------------------------------------------------------------


class Database:
    def __init__(self, server, prefix="proof", encoding=""):
        self.server = server
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

    def end_sessions(self, application="%"):
        """Ends the sessions whose application name is like this; how many there were."""
        return self.value(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = "
            f"'{self.name}' AND pid <> pg_backend_pid() AND application_name LIKE '{application}'")

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
        # Roles of all databases share one row of rights on parameters.
        with _roles:
            for role in self.roles:
                query(f"DROP OWNED BY {role}")
                query(f"DROP ROLE {role}")


class Source(Database):
    """The installer owns the tables; the capture role owns nothing, reads and replicates."""

    def __init__(self, server, schema="lab", encoding=""):
        super().__init__(server, "src", encoding)
        self.schema = schema
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
        return lsn(self.value("SELECT pg_current_wal_insert_lsn()"))


class Target(Database):
    """The apply role is not a superuser; it may switch triggers off for its own session."""

    def __init__(self, server, schema="lab"):
        super().__init__(server, "dst")
        self.schema = schema
        self.apply = self.role("apply")
        self.query(f"GRANT CREATE ON DATABASE {self.name} TO {self.apply}")
        self.query(f"GRANT CREATE, USAGE ON SCHEMA public TO {self.apply}")
        self.query(f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {self.apply}")
        wait_until(lambda: self.on_parameter("GRANT", "TO"), 20, "SET granted")

    def check_roles(self):
        require(self.value(f"SELECT NOT rolsuper FROM pg_roles WHERE rolname = '{self.apply}'"),
                "the apply role is a superuser")

    def take_replica_role(self):
        wait_until(lambda: self.on_parameter("REVOKE", "FROM"), 20, "SET revoked")

    def on_parameter(self, verb, to):
        """One row of the catalogue for all roles: two grants at once are an error for one."""
        try:
            self.query(f"{verb} SET ON PARAMETER session_replication_role {to} {self.apply}")
            return True
        except psycopg2.errors.InternalError_:
            return False

    def link(self):
        return self.url(self.apply)

    def rows(self, sql):
        return self.query(sql)


class FileTarget:
    """An SQLite file."""

    apply = None

    def __init__(self, folder=None):
        self.folder = Path(folder or tempfile.mkdtemp(prefix="martlet-proof-"))
        self.path = self.folder / "target.db"
        if not folder:
            at_end(lambda: KEEP or shutil.rmtree(self.folder, ignore_errors=True))

    def check_roles(self):
        pass

    def link(self):
        return f"sqlite:{self.path}"

    def connect(self):
        link = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=10)
        link.isolation_level = None
        return link

    def write(self, sql):
        link = sqlite3.connect(str(self.path))
        link.executescript(sql)
        link.close()

    def rows(self, sql):
        link = self.connect()
        try:
            return link.execute(sql).fetchall()
        finally:
            link.close()


def make_target(name, schema="lab"):
    return FileTarget() if name == "sqlite" else Target(Server(name), schema)


def lsn(text):
    """0/5F2 as a number; 0 for none."""
    if not text:
        return 0
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


# ---- Pipelines and runs -----------------------------------------------------------------------


class Pipeline:
    def __init__(self, source, target, options=None, include=None, source_url=None,
                 target_url=None):
        self.source, self.target = source, target
        self.name = unique("p")
        self.folder = Path(tempfile.mkdtemp(prefix="martlet-proof-"))
        at_end(lambda: KEEP or shutil.rmtree(self.folder, ignore_errors=True))
        self.runs = []
        self.options = {
            "snapshot": {"workers": 2, "chunk_rows": 50}, "lease": "5s",
            "spool": {"directory": str(self.folder / "spool"), "max": "4GB"}, **(options or {})}
        self.include = include or [f"{getattr(source, 'schema', 'public')}.*"]
        self.target_url = target_url or target.link()
        self.path = self.write("pipeline", source_url or source.url(source.capture))
        self.install_path = self.write("install", source.url(source.installer))
        at_end(self.kill_all)

    def write(self, name, source_url):
        """JSON is YAML, and every value is quoted."""
        path = self.folder / f"{name}.yaml"
        text = {"name": self.name, "source": source_url, "target": self.target_url,
                "tables": {"include": self.include}, **self.options}
        path.write_text(json.dumps(text, indent=2) + "\n", encoding="utf-8")
        return path

    def install(self):
        """What the installer does once: the capture role makes no publication."""
        self.call("check", "--install", path=self.install_path)
        # The installer need not be able to run: what counts is what the capture role finds.
        result = self.call("check")
        require(result.returncode == 0, f"check: {result.stdout}{result.stderr}")
        self.source.check_roles()
        self.target.check_roles()

    def call(self, command, *arguments, path=None, timeout=120, environment=None):
        try:
            return subprocess.run(
                [MARTLET, command, str(path or self.path), *arguments], text=True,
                capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL,
                env={**os.environ, **(environment or {})})
        except subprocess.TimeoutExpired as expired:
            raise Failed(f"{command} {' '.join(arguments)} took over {timeout} s: "
                         f"{(expired.stderr or b'')[-2000:]}") from expired

    def start(self, *arguments, environment=None):
        run = Run(self, arguments, environment)
        self.runs.append(run)
        return run

    def status(self):
        """None while there is nothing to say yet."""
        result = self.call("status", "--json", timeout=60)
        if result.returncode not in (0, 8):
            return None
        return json.loads(result.stdout)

    def tables(self):
        status = self.status()
        return {table["source"]: table for table in (status or {}).get("tables", [])}

    def is_live(self):
        tables = self.tables()
        return bool(tables) and all(table["state"] == "live" for table in tables.values())

    def wait_live(self, run, seconds):
        wait_until(lambda: run.must_live() and self.is_live(), seconds, "all tables live", 0.2)

    def wait_caught_up(self, run, seconds):
        """Everything committed before this call is at the target, and every table is live."""
        end = self.source.position()

        def caught_up():
            run.must_live()
            status = self.status()
            return (status and lsn(status["applied"]) >= end
                    and all(table["state"] == "live" for table in status["tables"]))
        wait_until(caught_up, seconds, "caught up", 0.2)

    def catch_up(self, seconds=300, environment=None):
        """A run of its own that ends when it has caught up."""
        run = self.start("--until-caught-up", environment=environment)
        code = run.wait(seconds)
        require(code == 0, f"run --until-caught-up ended with {code}: {run.tail()}")
        return run

    def counters(self):
        total = {}
        for run in self.runs:
            for name, count in run.counters().items():
                total[name] = total.get(name, 0) + count
        return total

    def streamed(self):
        """Transactions that the server sent before they committed, by its own count."""
        return sum(row[0] for row in self.source.query(
            "SELECT stream_txns FROM pg_stat_replication_slots WHERE slot_name LIKE "
            f"'martlet%{self.name}'"))

    def kill_all(self):
        for run in self.runs:
            run.kill()


class Run:
    """One `martlet run`."""

    def __init__(self, pipeline, arguments=(), environment=None):
        self.log = pipeline.folder / f"run-{len(pipeline.runs) + 1}.log"
        with open(self.log, "wb") as file:
            self.process = subprocess.Popen(
                [MARTLET, "run", str(pipeline.path), "--progress", "none", *arguments],
                stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                env={**os.environ, **(environment or {})})
        self.pid = self.process.pid

    @property
    def code(self):
        return self.process.poll()

    def text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def tail(self, lines=12):
        """The last lines; of a crash, which prints much, the first ones."""
        text = self.text().splitlines()
        crash = [number for number, line in enumerate(text)
                 if re.search(r"Fatal error|[Cc]rashed|\bBUG IN\b|terminate called", line)]
        shown = text[max(0, crash[0] - 16):crash[0] + 40] if crash else text[-lines:]
        return "\n".join(["", *shown])

    def must_live(self):
        require(self.code is None, f"run ended with {self.code}: {self.tail()}")
        return True

    def wait(self, seconds):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"run did not end within {seconds} s: {self.tail()}") from None

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, seconds=20):
        """SIGTERM drains and exits 0."""
        self.must_live()
        self.signal(signal.SIGTERM)
        code = self.wait(seconds)
        require(code == 0, f"run ended with {code} after SIGTERM: {self.tail()}")

    def kill(self):
        """SIGKILL; True if it was still there to be killed."""
        if self.code is None:
            self.process.kill()
        return self.process.wait() == -signal.SIGKILL

    def counters(self):
        found = re.findall(r"load counters: (\{.*?\})", self.text())
        return json.loads(found[-1]) if found else {}

    def peak_bytes(self):
        """VmHWM: the most memory the process ever had resident."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) * 1024


# ---- Comparison by value ----------------------------------------------------------------------


def source_tables(source):
    """Tables of the schema: ordinary ones and partitioned roots, not their partitions."""
    rows = source.query(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND "
        f"relnamespace = '{source.schema}'::regnamespace ORDER BY relname")
    return [row[0] for row in rows]


def columns_of(source, table):
    return source.query(
        "SELECT attname, format_type(coalesce(nullif(typbasetype, 0), atttypid), NULL) FROM "
        "pg_attribute JOIN pg_type t ON t.oid = atttypid WHERE attnum > 0 AND NOT "
        f"attisdropped AND attrelid = $name${source.schema}.{quoted(table)}$name$::regclass "
        "ORDER BY attnum")


def rows_of(end, table, columns):
    """FROM clause and row as text. ONLY: a child by inheritance is a table of its own (P41)."""
    name = f"{end.schema}.{quoted(table)}"
    only = "ONLY " if end.value(
        f"SELECT relkind = 'r' FROM pg_class WHERE oid = $name${name}$name$::regclass") else ""
    listed = ", ".join(quoted(column) for column, _ in columns)
    return f"{only}{name}", f"ROW({listed})::text"


def digest(end, table, columns):
    """Count and a sum of 128 bits over all rows: it does not depend on their order, and equal
    rows do not cancel each other."""
    place, row = rows_of(end, table, columns)
    half = "sum(('x' || substr(h, {}, 16))::bit(64)::bigint::numeric)::text"
    return end.query(f"SELECT count(*), {half.format(1)}, {half.format(17)} FROM "
                     f"(SELECT md5(convert_to({row}, 'UTF8')) AS h FROM {place}) AS hashed")


def counted_rows(end, table, columns):
    place, row = rows_of(end, table, columns)
    return dict(end.query(f"SELECT {row}, count(*) FROM {place} GROUP BY 1"))


def differences(source, target, pipeline=None, only=None):
    """One line per table that differs, [] when all are equal by value."""
    found = []
    for table in only or source_tables(source):
        columns = columns_of(source, table)
        if isinstance(target, FileTarget):
            found += file_differences(source, target, table, columns, pipeline)
            continue
        if digest(source, table, columns) != digest(target, table, columns):
            found.append(describe(table, counted_rows(source, table, columns),
                                  counted_rows(target, table, columns)))
    return found


def describe(table, left, right):
    missing = [row for row in left if left[row] > right.get(row, 0)]
    extra = [row for row in right if right[row] > left.get(row, 0)]

    def some(rows):
        return "; ".join(str(row)[:120] for row in sorted(rows, key=str)[:5])
    return (f"{table}: {len(missing)} rows missing [{some(missing)}], "
            f"{len(extra)} rows extra [{some(extra)}]")


def generated_columns(source, table):
    return {row[0] for row in source.query(
        "SELECT attname FROM pg_attribute WHERE attgenerated <> '' AND attrelid = "
        f"$name${source.schema}.{quoted(table)}$name$::regclass")}


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


INTEGERS = {"smallint", "integer", "bigint", "oid"}
FLOATS = {"real", "double precision"}


def file_value(kind, value):
    """How a value of PostgreSQL is stored in SQLite: docs/guarantees.md, value mapping."""
    if value is None:
        return None
    if kind in INTEGERS:
        return int(value)
    if kind == "boolean":
        return 1 if value in ("t", "true") else 0
    if kind == "bytea":
        return bytes.fromhex(value[2:])
    if kind in FLOATS:
        return "NaN" if value == "NaN" else exact(float(value))
    return value


def exact(value):
    """A float by its bits: as Python's key, -0.0 and 0 would be one."""
    return "real " + value.hex() if isinstance(value, float) else value


def file_differences(source, target, table, columns, pipeline):
    there = pipeline.tables()[f"{source.schema}.{table}"]["target"].strip('"')
    stored = {row[1] for row in target.rows(f"PRAGMA table_xinfo({quoted(there)})")}
    left_out = [column for column, _ in columns if column not in stored]
    # A generated column may be missing, and is then said to be by `plan`.
    require(set(left_out) <= generated_columns(source, table), f"{table} lacks {left_out}")
    columns = [(column, kind) for column, kind in columns if column in stored]
    listed = ", ".join(quoted(column) for column, _ in columns)
    # format() takes the type's own output: a cast to text loses the padding of char(n).
    texts = ", ".join(f"CASE WHEN {quoted(column)} IS DISTINCT FROM NULL "
                      f"THEN format('%s', {quoted(column)}) END" for column, _ in columns)
    left, right = {}, {}
    for row in source.query(f"SELECT {texts} FROM {rows_of(source, table, columns)[0]}"):
        key = tuple(file_value(kind, value) for (_, kind), value in zip(columns, row))
        left[key] = left.get(key, 0) + 1
    for row in target.rows(f"SELECT {listed} FROM {quoted(there)}"):
        key = tuple(exact(value) for value in row)
        right[key] = right.get(key, 0) + 1
    # 1 and 1.0 and True are equal keys in Python: the storage class is looked at by itself.
    if left == right and storage(left) == storage(right):
        return []
    return [describe(table, left, right) + f" storage {storage(left)} / {storage(right)}"]


def storage(rows):
    classes = {}
    for row in rows:
        for place, value in enumerate(row):
            if value is not None:
                classes.setdefault(place, set()).add(type(value).__name__)
    return classes


def require_equal(source, target, pipeline=None, only=None):
    found = differences(source, target, pipeline, only)
    require(not found, "source and target differ:\n  " + "\n  ".join(found))


# ---- Independent reader -----------------------------------------------------------------------


class OrderReader:
    """Commit order as the server itself decodes it, with test_decoding on a slot of its own."""

    def __init__(self, source):
        self.source = source
        self.slot = unique("order")
        source.query(
            f"SELECT pg_create_logical_replication_slot('{self.slot}', 'test_decoding')")

    def audit_order(self):
        """The `tx` of the audit rows by commit, with the LSNs of the commits."""
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
            positions += [last] * (len(order) - len(positions))
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


# ---- Counting ---------------------------------------------------------------------------------


class Proof:
    """Runs named checks one after the other and says how many held."""

    def __init__(self):
        self.passed, self.failed = 0, 0

    def check(self, name, action, *arguments):
        began = time.monotonic()
        try:
            action(*arguments)
        except Failed as failure:
            self.failed += 1
            log(f"FAILED {name}: {failure}")
        except Exception:
            self.failed += 1
            log(f"FAILED {name}: the harness itself:\n{traceback.format_exc()}")
        else:
            self.passed += 1
            log(f"ok {name} ({time.monotonic() - began:.1f} s)")

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)
