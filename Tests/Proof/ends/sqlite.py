"""An SQLite file as a target."""

import shutil
import sqlite3
import tempfile
from pathlib import Path

from harness import KEEP, at_end, require
from values import canonical, hexadecimal, quoted, shortest_single, single

# Storage class of each kind: docs/types.md. Everything else is text.
STORED = {"integer": int, "boolean": int, "bytes": bytes, "float32": float, "float64": float}


class FileTarget:
    engine, Error = "sqlite", sqlite3.Error
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

    def connect(self, timeout=10):
        link = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=timeout)
        link.isolation_level = None
        return link

    def query(self, sql):
        link = self.connect()
        try:
            return link.execute(sql).fetchall()
        finally:
            link.close()

    def write(self, sql):
        link = sqlite3.connect(str(self.path), timeout=10)
        link.executescript(sql)
        link.close()

    def named(self, table):
        return quoted(table.strip('"'))

    def values(self, table, columns):
        stored = {row[1] for row in self.query(f"PRAGMA table_xinfo({self.named(table)})")}
        left_out = {column.name for column in columns if column.name not in stored}
        listed = ", ".join("NULL" if column.name in left_out else quoted(column.name)
                           for column in columns)
        return left_out, (
            tuple(text_of(column.kind, value, column.name) for column, value in zip(columns, row))
            for row in self.query(f"SELECT {listed} FROM {self.named(table)}"))

    def hold(self, table, readable=True):
        """Somebody else's lock: nothing can be written until the result is called."""
        link = sqlite3.connect(str(self.path), timeout=10)
        link.isolation_level = None
        link.execute("BEGIN IMMEDIATE")
        return lambda: (link.execute("ROLLBACK"), link.close())

    def greatest(self, link, table, key):
        """The end of the newest chunk that is in: keys of a file do not sort as at the source."""
        row = link.execute(
            "SELECT upper FROM martlet_chunk JOIN martlet_table_state AS t ON t.id = table_id "
            "WHERE source_name = ? AND NOT is_key_chunk AND upper IS NOT NULL "
            "ORDER BY martlet_chunk.id DESC LIMIT 1", [table]).fetchone()
        return row and texts(row[0])

    def in_transaction(self):
        """Somebody has written and not committed."""
        link = sqlite3.connect(str(self.path), timeout=0)
        try:
            link.execute("BEGIN IMMEDIATE")
            link.execute("ROLLBACK")
            return False
        except sqlite3.OperationalError:
            return True
        finally:
            link.close()


def texts(stored):
    """Each value behind its length in four bytes."""
    found = []
    while stored:
        end = 4 + int.from_bytes(stored[:4], "big")
        found.append(stored[4:end].decode())
        stored = stored[end:]
    return tuple(found)


def text_of(kind, value, name):
    if value is None:
        return None
    if value == "NaN" and kind in ("float32", "float64"):
        return canonical(kind, value)
    wanted = STORED.get(kind, str)
    require(type(value) is wanted, f"{name}: {kind} is stored as {type(value).__name__}")
    if kind == "boolean":
        return {0: "f", 1: "t"}.get(value, str(value))
    if kind == "bytes":
        return hexadecimal(value)
    if kind == "float32":
        require(shortest_single(single(value)).hex() == value.hex(),
                f"{name}: a 32-bit float is stored with other digits than the source shows")
    return canonical(kind, value)
