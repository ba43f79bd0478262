"""MySQL and MariaDB as source and target. What the methods are for: ends/__init__.py.

One log holds the changes of all databases of a server, and Martlet's state at a target is a database
beside the others: every program has servers of its own.
"""

import os
import re
import shutil
import signal
import subprocess
import threading

import pymysql

from harness import (KEEP, LAB, REPOSITORY, Failed, at_end, forget, free_port, log, require, servers,
                     unique, wait_until)
from values import Column, canonical, hexadecimal, trimmed

HOST = {"mariadb1011": LAB}  # the others see a root folder of their own
SETTINGS = {
    "server_id": 1, "bind_address": "127.0.0.1", "max_connections": 200, "log_bin": "binlog",
    "innodb_buffer_pool_size": "128M", "binlog_format": "ROW", "binlog_row_image": "FULL",
    "binlog_row_metadata": "FULL", "local_infile": "ON",
}
FLAVOUR = {
    "mariadb": {"gtid_strict_mode": "ON"},
    "mysql": {"gtid_mode": "ON", "enforce_gtid_consistency": "ON", "mysqlx": "OFF",
              "secure_file_priv": "''"},
}
# Of every connection made here; the recursion is for `series`.
SESSION = {
    "mariadb": "SET time_zone = '+00:00', max_recursive_iterations = 100000000",
    "mysql": "SET time_zone = '+00:00', cte_max_recursion_depth = 100000000",
}
# What `check --print-grants` may ask for, and no more. Never SUPER.
CAPTURE = {"mariadb": {"SELECT", "REPLICATION SLAVE", "BINLOG MONITOR", "LOCK TABLES"},
           "mysql": {"SELECT", "REPLICATION SLAVE", "REPLICATION CLIENT", "BACKUP_ADMIN",
                     "XA_RECOVER_ADMIN", "LOCK TABLES"}}
APPLY = {"SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "INDEX", "REFERENCES"}
# In Martlet's own database: staging tables, and rows that are set aside.
OWN = {"CREATE TEMPORARY TABLES", "DROP"}
# Of the users' tables: who has it not does not see triggers.
SEEN = {"TRIGGER"}

_private = {}
_making = threading.Lock()
# Settings of sources that this program does not leave as they are.
variant = {}


def private(name, role="source"):
    """One server of our own per program, version and role."""
    with _making:
        if (name, role) not in _private:
            own = {"server_id": 1, **variant} if role == "source" else {"server_id": 2}
            _private[name, role] = PrivateServer(name, own)
        return _private[name, role]


# ---- Servers ----------------------------------------------------------------------------------


class PrivateServer:
    """It may be stopped, restarted, killed and reconfigured."""

    def __init__(self, name, settings=None):
        self.name = name
        self.engine = re.match("[a-z]+", name)[0]
        folder = unique("proof")
        root = HOST.get(name) or LAB / f"root-{self.engine}" / "lab"
        self.inside = f"{HOST.get(name) or '/lab'}/private/{folder}"
        self.folder = root / "private" / folder
        self.port = free_port()
        self.process = None
        self.daemon = "mysqld" if self.engine == "mysql" else "mariadbd"
        # Its own: a server that starts deletes all temporary tables that it finds, others' too.
        self.temporary = f"{self.inside}/tmp"
        for folder in (self.folder, self.folder / "tmp"):
            folder.mkdir(parents=True)
            shutil.chown(folder, "postgres", "postgres")
        at_end(self.remove)
        self.make()
        self.settings = self.tls()
        self.configure({
            **SETTINGS, **FLAVOUR[self.engine], "port": self.port, "datadir": f"{self.inside}/data",
            "socket": f"{self.inside}/server.sock", "tmpdir": self.temporary, "pid_file": f"{self.inside}/server.pid",
            **(settings or {})})
        self.start()

    def tls(self):
        """The lab's certificate is made out to localhost."""
        for name in ("ca.crt", "server.crt", "server.key"):
            shutil.copy(LAB / "tls" / name, self.folder)
            shutil.chown(self.folder / name, "postgres", "postgres")
        return {"ssl_ca": f"{self.inside}/ca.crt", "ssl_cert": f"{self.inside}/server.crt",
                "ssl_key": f"{self.inside}/server.key"}

    @property
    def socket(self):
        return str(self.folder / "server.sock")

    def make(self):
        folders = [f"--datadir={self.inside}/data", f"--tmpdir={self.temporary}"]
        if self.engine == "mysql":
            self.program("mysqld", "--no-defaults", *folders, "--initialize-insecure",
                         stderr=subprocess.DEVNULL)
        else:
            self.program("mariadb-install-db", "--no-defaults", *folders, "--force",
                         "--skip-test-db", "--auth-root-authentication-method=normal", stderr=subprocess.DEVNULL)

    def program(self, *arguments, **options):
        return servers("bin", self.name, *arguments, **options)

    def configure(self, settings):
        """Holds from the next start."""
        self.settings.update(settings)
        text = "".join(f"{name} = {value}\n" for name, value in self.settings.items())
        (self.folder / "server.cnf").write_text("[server]\n" + text, encoding="utf-8")

    def encrypt_log(self):
        """From the next file on, with a key in the server's folder. Keys come from a plugin, or a
        component that the server looks for beside its own program."""
        folder = self.folder / "plugin"
        folder.mkdir()
        if self.engine == "mysql":
            root = LAB / "root-mysql"
            os.link(root / "usr/sbin/mysqld", self.folder / "mysqld")
            os.link(root / "usr/lib/mysql/plugin/component_keyring_file.so",
                    folder / "component_keyring_file.so")
            (self.folder / "mysqld.my").write_text('{"components": "file://component_keyring_file"}')
            (folder / "component_keyring_file.cnf").write_text(
                f'{{"path": "{self.inside}/data/keyring", "read_only": false}}')
            self.daemon = f"{self.inside}/mysqld"
            more = {"basedir": "/usr", "binlog_encryption": "ON"}
        else:
            subprocess.run([REPOSITORY / "scripts/servers", "plugins"], check=True)
            shutil.copy(LAB / "plugins/file_key_management.so", folder)
            (self.folder / "keys").write_text(f"1;{os.urandom(32).hex()}\n")
            more = {"plugin_load_add": "file_key_management", "encrypt_binlog": "ON",
                    "file_key_management_filename": f"{self.inside}/keys"}
        self.configure({"plugin_dir": f"{self.inside}/plugin", **more})
        self.restart()

    def start(self):
        with open(self.folder / "log", "ab") as file:
            self.process = subprocess.Popen(
                [str(REPOSITORY / "scripts/servers"), "bin", self.name, self.daemon,
                 f"--defaults-file={self.inside}/server.cnf"], stdin=subprocess.DEVNULL,
                stdout=file, stderr=file, start_new_session=True)
        wait_until(self.answers, 120, f"{self.name} answers", 0.1)

    def answers(self):
        require(self.process.poll() is None,
                f"{self.name} did not start: {(self.folder / 'log').read_text()[-2000:]}")
        try:
            self.connect().close()
            return True
        except pymysql.Error:
            return False

    def stop(self, mode="fast"):
        """`immediate` is SIGKILL."""
        if self.process is None or self.process.poll() is not None:
            return
        pid = int((self.folder / "server.pid").read_text())
        os.kill(pid, signal.SIGKILL if mode == "immediate" else signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} did not stop within 60 s") from None
        for name in ("server.pid", "server.sock", "server.sock.lock"):
            (self.folder / name).unlink(missing_ok=True)

    def restart(self, mode="fast"):
        self.stop(mode)
        self.start()

    def remove(self):
        forget(self.remove)
        for key in [key for key, server in _private.items() if server is self]:
            del _private[key]
        self.stop("immediate")
        if not KEEP:
            shutil.rmtree(self.folder)

    def connect(self, database=None, user="root", autocommit=True, **more):
        return pymysql.connect(
            unix_socket=self.socket, user=user, database=database, autocommit=autocommit,
            charset="utf8mb4", connect_timeout=10, init_command=SESSION[self.engine],
            client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS, **more)

    def query(self, sql, database=None, user="root", **more):
        link = self.connect(database, user, **more)
        try:
            with link.cursor() as cursor:
                return execute(cursor, sql)
        finally:
            link.close()

    def url(self, database, user="root", socket=None):
        return f"mysql://{user}@localhost/{database}?socket={socket or self.socket}"


def execute(cursor, sql):
    """Several statements, each with its error; the rows of the last one that has some."""
    cursor.execute(sql)
    rows = list(cursor.fetchall()) if cursor.description else []
    while cursor.nextset():
        if cursor.description:
            rows = list(cursor.fetchall())
    return rows


def quoted(name):
    return "`" + name.replace("`", "``") + "`"


# ---- Databases and roles ----------------------------------------------------------------------


class Database:
    Error = pymysql.Error
    # What is said of a certificate by another authority, and of one for another host.
    WRONG_AUTHORITY = "certificate"
    OTHER_NAME = ("127.1", "", "certificate")

    def __init__(self, server, prefix, more=""):
        self.server, self.engine = server, server.engine
        self.schema = self.name = unique(prefix)
        self.roles = []
        server.query(f"CREATE DATABASE {self.name} CHARACTER SET utf8mb4 {more}")
        at_end(self.drop)

    def role(self, name, *grants):
        role = f"{self.name}_{name}"
        self.server.query(f"CREATE USER {role}@localhost IDENTIFIED BY ''")
        self.roles.append(role)
        for grant in grants:
            self.server.query(f"GRANT {grant} TO {role}@localhost")
        return role

    def privileges(self, role):
        """All that were granted, without the place. USAGE is none."""
        found = set()
        for (text,) in self.server.query(f"SHOW GRANTS FOR {role}@localhost"):
            listed = re.match(r"GRANT (.*?) ON ", text)
            require(listed, f"no list of privileges: {text}")
            found |= {re.sub(r" \(.*", "", word.strip()) for word in listed[1].split(",")}
        return found - {"USAGE"}

    def connect(self, user="root", autocommit=True, **more):
        return self.server.connect(self.name, user, autocommit, **more)

    def query(self, sql, user="root", **more):
        return self.server.query(sql, self.name, user, **more)

    def value(self, sql, user="root"):
        return self.query(sql, user)[0][0]

    def url(self, user="root", **place):
        return self.server.url(self.name, user, **place)

    def over_tcp(self, role, host, word=None, more=""):
        login = role if word is None else f"{role}:{word}"
        return f"mysql://{login}@{host}:{self.server.port}/{self.name}?{more}"

    def set_password(self, role, word):
        self.server.query(f"ALTER USER {role}@localhost IDENTIFIED BY '{word}'")

    def demand_tls(self, role, more="SSL"):
        """The server lets no session in without it."""
        self.server.query(f"ALTER USER {role}@localhost REQUIRE {more}")

    def require_encrypted(self, role):
        kind = self.server.query(f"SELECT ssl_type FROM mysql.user WHERE user = '{role}'")[0][0]
        require(kind not in ("", b""), f"{role} may come without TLS")

    def named(self, table):
        return table

    def series(self, first, last):
        return (f"(WITH RECURSIVE numbers(g) AS (SELECT {first} UNION ALL SELECT g + 1 FROM numbers "
                f"WHERE g < {last}) SELECT g FROM numbers WHERE g <= {last}) AS series")

    def end_sessions(self, most=None):
        """Ends sessions of Martlet, all or some; how many there were."""
        own = ", ".join(f"'{role}'" for role in self.roles if not role.endswith("_installer"))
        limit = "" if most is None else f"LIMIT {most}"
        ids = self.query("SELECT id FROM information_schema.processlist WHERE user IN "
                         f"({own}) ORDER BY rand() {limit}")
        return sum(self.end_session(number) for (number,) in ids)

    def end_session(self, number):
        try:
            self.query(f"KILL {number}")
            return 1
        except pymysql.Error:
            return 0  # it has ended by itself

    def values(self, table, columns):
        """The columns that are not there, and the rows as canonical texts."""
        place = f"{quoted(self.schema)}.{quoted(table)}"
        own = dict(self.query(
            "SELECT column_name, column_type FROM information_schema.columns WHERE table_schema = "
            f"'{self.schema}' AND table_name = {text_literal(table)}"))
        listed = ", ".join(expression(column.name, own[column.name]) if column.name in own
                           else "NULL" for column in columns)
        return {column.name for column in columns if column.name not in own}, (
            tuple(text_of(column.kind, value) for column, value in zip(columns, row))
            # Without converters the texts are as the server sent them.
            for row in self.query(f"SELECT {listed} FROM {place}", conv={}))

    def hold(self, table, readable=False):
        """Locks a table until the result is called."""
        link = self.connect()
        link.cursor().execute(f"LOCK TABLES {table} {'READ' if readable else 'WRITE'}")
        return link.close

    def drop(self):
        if KEEP:
            log(f"kept: {self.url()}")

    def remove(self):
        self.end_sessions()
        self.server.query(f"DROP DATABASE {self.name}")
        for role in self.roles:
            self.server.query(f"DROP USER {role}@localhost")


def text_literal(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def expression(name, kind):
    """A column so that its text is exact. A float's own text has six digits (B51)."""
    name = quoted(name)
    if kind.startswith("float"):
        return f"CAST({name} AS DOUBLE)"
    if bits := re.match(r"bit\((\d+)\)", kind):
        return f"LPAD(BIN({name} + 0), {bits[1]}, '0')"
    if kind.startswith("vector"):
        return f"CAST({name} AS BINARY)"  # the driver does not know the type
    return name


def text_of(kind, value):
    if value is None:
        return None
    if isinstance(value, bytes):
        return hexadecimal(value)
    if kind in ("time", "timestamp", "duration"):
        return trimmed(value)
    if kind == "timestamptz":
        return trimmed(value) + "+00"
    if kind == "boolean":
        return {"0": "f", "1": "t"}.get(value, value)
    return canonical(kind, value)


KINDS = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "year"), "integer"),
    "decimal": "decimal", "float": "float32", "double": "float64", "datetime": "timestamp",
    "timestamp": "timestamptz", "time": "duration", "bit": "bits", "char": "char",
    **dict.fromkeys((
        "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "vector",
        "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring",
        "multipolygon", "geometrycollection", "geomcollection"), "bytes"),
}


class Source(Database):
    """The installer owns the tables; the capture role reads and replicates."""

    def __init__(self, server):
        super().__init__(server, "src")
        self.installer = self.role("installer", f"ALL ON {self.name}.*")
        # Tables without a key are locked for the moment in which their snapshot is taken.
        grants = [f"SELECT, LOCK TABLES ON {self.name}.*"]
        if self.engine == "mysql":
            grants += ["REPLICATION SLAVE, REPLICATION CLIENT, BACKUP_ADMIN, XA_RECOVER_ADMIN ON *.*",
                       "SELECT ON performance_schema.log_status"]
        else:
            grants += ["REPLICATION SLAVE, BINLOG MONITOR ON *.*"]
        self.capture = self.role("capture", *grants)

    def check_roles(self):
        more = self.privileges(self.capture) - CAPTURE[self.engine]
        require(not more, f"the capture role has more than it needs: {more}")

    def place(self):
        """The log's end as the program writes positions."""
        status = "BINARY LOG STATUS" if self.engine == "mysql" else "BINLOG STATUS"
        name, offset = self.server.query(f"SHOW {status}")[0][:2]
        return f"{name.rsplit('.')[-1]}:{offset}"

    def position(self):
        return self.parse(self.place())

    def gtids(self):
        """All that the server has written, as a dump of it would say."""
        name = "gtid_executed" if self.engine == "mysql" else "gtid_binlog_pos"
        return self.server.query(f"SELECT REPLACE(@@GLOBAL.{name}, '\\n', '')")[0][0]

    @staticmethod
    def parse(text):
        """`000042:1234`, `000042:1234@1` after a failover."""
        if not text:
            return 0, 0, 0
        file, offset, generation = re.fullmatch(r"(?:.*\.)?(\d+):(\d+)(?:@(\d+))?", text).groups()
        return int(generation or 0), int(file), int(offset)

    def order_reader(self):
        return OrderReader(self)

    def streamed(self, pipeline):
        """A transaction is in the log when it has committed, and whole."""
        return 0

    def table_names(self):
        rows = self.query("SELECT table_name FROM information_schema.tables WHERE table_schema = "
                          f"'{self.schema}' AND table_type = 'BASE TABLE' ORDER BY table_name")
        return [row[0] for row in rows]

    def columns(self, table):
        rows = self.query(
            "SELECT column_name, data_type, extra, column_type FROM information_schema.columns WHERE "
            f"table_schema = '{self.schema}' AND table_name = {text_literal(table)} "
            "ORDER BY ordinal_position")
        return [Column(name, KINDS.get(kind, "text"), "GENERATED" in extra)
                for name, kind, extra, _ in rows]


class Target(Database):
    """The apply role may do everything with the rows of its two databases, and nothing else."""

    def __init__(self, server, schema=None):
        super().__init__(server, "dst")
        self.apply = self.role("apply", f"{', '.join(sorted(APPLY | SEEN))} ON {self.name}.*",
                               f"{', '.join(sorted(APPLY | OWN))} ON martlet.*")

    def check_roles(self):
        more = self.privileges(self.apply) - APPLY - OWN - SEEN
        require(not more, f"the apply role has more than it needs: {more}")

    def link(self):
        return self.url(self.apply)

    def has(self, table):
        schema, name = table.split(".")
        return bool(self.query("SELECT 1 FROM information_schema.tables WHERE table_schema = "
                               f"'{schema}' AND table_name = '{name}'"))

    def greatest(self, link, table, key):
        """The greatest key of a table of the schema, as texts; None when there is none."""
        order = ", ".join(f"{column} DESC" for column in key)
        with link.cursor() as cursor:
            try:
                cursor.execute(f"SELECT {', '.join(key)} FROM {table} ORDER BY {order} LIMIT 1")
            except pymysql.err.ProgrammingError:
                return None  # not there yet
            row = cursor.fetchone()
        return row and tuple(hexadecimal(text) if isinstance(text, bytes) else str(text)
                             for text in row)

    def in_transaction(self):
        """A session of Martlet has written and not committed."""
        return self.value(
            "SELECT count(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist "
            f"p ON p.id = t.trx_mysql_thread_id WHERE p.user = '{self.apply}' AND "
            "t.trx_rows_modified > 0") > 0


# ---- Independent reader -----------------------------------------------------------------------


class OrderReader:
    """Commit order as the server's own program prints its log, from where it ended at first."""

    def __init__(self, source):
        self.source = source
        _, self.file, self.offset = source.position()

    def lines(self):
        server = self.source.server
        names = sorted(path.name for path in (server.folder / "data").glob("binlog.*")
                       if path.suffix[1:].isdigit() and int(path.suffix[1:]) >= self.file)
        program = "mysqlbinlog" if server.engine == "mysql" else "mariadb-binlog"
        command = [str(REPOSITORY / "scripts/servers"), "bin", server.name, program,
                   "--no-defaults", "--base64-output=decode-rows", "--verbose",
                   f"--start-position={self.offset}",
                   *(f"{server.inside}/data/{name}" for name in names)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              errors="replace") as reader:
            yield from reader.stdout
            said = reader.stderr.read()
        require(reader.returncode == 0, f"{program}: {said[-800:]}")

    def transactions(self):
        """GTID and rows of each transaction: statement, table, values by column number."""
        gtid, rows, last = "", [], 0
        for line in self.lines():
            if found := re.search(r"GTID_NEXT= ?'(.*?)'|\bGTID (\d+-\d+-\d+)", line):
                if (found[1] or "") == "AUTOMATIC":
                    continue
                if rows:
                    yield gtid, rows
                gtid, rows = found[1] or found[2], []
                number = int(re.split("[:-]", gtid)[-1])
                require(number > last, f"the reader's own commits are out of order at {gtid}")
                last = number
            elif found := re.match(r"### (INSERT INTO|UPDATE|DELETE FROM) `(.*)`\.`(.*)`", line):
                rows.append((found[1].split()[0], found[3] if found[2] == self.source.name else None,
                             []))
            elif (found := re.match(r"###   @(\d+)=(.*)", line)) and rows:
                rows[-1][2].append((int(found[1]), found[2]))
        if rows:
            yield gtid, rows

    def audit_order(self):
        """The `tx` of the audit rows by commit, with the GTIDs of the commits."""
        order, positions = [], []
        for gtid, rows in self.transactions():
            found = [int(dict(values)[1]) for statement, table, values in rows
                     if table == "audit" and statement == "INSERT"]
            order += found
            positions += [gtid] * len(found)
        return order, positions

    def history(self, found, most=12):
        """What the log says of the first key of each table that differs."""
        lines = []
        for text in found[:3]:
            table, key = text.split(":")[0], re.search(r"\[\('?([^',)]+)", text)
            if not key:
                continue
            wanted = {key[1], f"'{key[1]}'"}
            lines += [f"{table} {key[1]}: {gtid} {statement} {values[:12]}"[:300]
                      for gtid, rows in self.transactions() for statement, name, values in rows
                      if name == table and wanted & {value for _, value in values}][-most:]
        return lines

    def close(self):
        pass
