#!/usr/bin/python3
"""transform(load) + transform(stream) = transform(final source), by a model: random rows, random
filters and projections, random DML while the load runs and behind it, with kill -9 in between. What
must be at the target is computed by running the same SELECT in SQLite over the source's final rows.
"""

import csv
import datetime
import json
import os
import random
import re
import sqlite3
import threading
import time
import uuid
from decimal import Decimal

from lab import Pipeline, let_go, log, make_source, make_target, require, wait_until
from setting import Proof, arguments

COLUMNS = "id, name, country, amount, price, note"
WORDS = ["anna", "Bob", "chloé", "", "d'Arc", "tab\tnew\nline\\", "Žofie", None]
FILTERS = ["country = 'DE'", "amount > 50", "amount IS NULL OR name LIKE 'a%'", "id % 3 <> 0",
           "price >= 10 AND country IN ('DE', 'FR')", "length(coalesce(note, '')) > 2", "1"]
# What each is made of besides the key, and its type where nothing tells.
OUTPUTS = [("name", 1), ("note AS remark", 1), ("price", 1), ("amount", 1), ("upper(name) AS big", 1),
           ("coalesce(country, '??') AS land", 1), ("name || '-' || country AS pair", 2),
           ("CASE WHEN amount > 50 THEN 'high' ELSE 'low' END AS level", 1),
           ("length(note) AS len", 1), ("substr(note, 1, 3) || id AS start", 1),
           ("'eu' AS region", 0), ("price > 10 AS dear", 1), ("amount * 2 AS twice", 1)]
# Of a lookup, whose columns are called otherwise.
LANDS = [("DE", "Germany", 3), ("FR", 'France, "la belle"', None), ("SE", None, 9)]
LOOKED_UP = [("title", 1), ("coalesce(title, '?') || ' ' || id AS place", 1), ("weight", 1),
             ("(SELECT count(*) FROM lands l WHERE l.weight > amount) AS heavier", 1),
             ("code IS NOT NULL AS known", 1)]
LOOKED_UP_FILTERS = ["weight > 2", "title IS NULL OR amount > 50",
                     "country IN (SELECT l.code FROM lands l WHERE l.weight > 0)"]
TYPES = {"twice": "bigint", "heavier": "bigint"}


def write_lands(path, lands=tuple(LANDS)):
    """With rows that nothing joins: the file is larger than a small share of the memory."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["code", "title", "weight"])
        writer.writerows(lands)
        writer.writerows([f"none-{number}", "x" * 2000, ""] for number in range(1500))


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
    return str(value)


class Model:
    """A pipeline with one random transform, and the source's rows as somebody changes them."""

    def __init__(self, options, target, number):
        self.random = random.Random(f"{options.seed}-{number}")
        self.source, self.target = make_source(options.source), make_target(target)
        self.is_postgresql = self.source.engine == "postgresql"
        self.is_full = not self.is_postgresql or number % 2 == 0
        self.table = f"{self.source.schema}.people"
        self.next = 1
        self.may_truncate = False
        self.make_table()
        self.sql_text = self.choose()
        self.pipeline = Pipeline(self.source, self.target, {
            "transforms": [{
                "table": self.table, "into": "folk", "sql": self.sql_text, "types": {
                    name: kind for name, kind in TYPES.items() if f" AS {name}" in self.sql_text}}],
            "lookups": [{"name": "lands", "csv": "lands.csv", "key": "code",
                         "types": {"weight": "int"}}],
            # Less memory than the file would take: it lies in the spool.
            "memory_limit": self.random.choice(["256MB", "32MB"])})
        write_lands(self.pipeline.folder / "lands.csv")

    def choose(self):
        joins = self.random.choice(["LEFT JOIN", "LEFT JOIN", "JOIN", None])
        if joins == "JOIN" and not self.is_full:
            joins = "LEFT JOIN"
        outputs = [text for text, parts in OUTPUTS + (LOOKED_UP if joins else [])
                   if self.random.random() < 0.6 and (self.is_full or parts < 2)]
        filters = FILTERS + (LOOKED_UP_FILTERS if joins else [])
        where = self.random.choice(filters) if self.is_full else "id % 3 <> 0"
        table = f"people {joins} lands ON code = country" if joins else "people"
        return f"SELECT {', '.join(['id'] + outputs)} FROM {table} WHERE {where}"

    def make_table(self):
        more = "" if self.is_postgresql else " CHARACTER SET utf8mb4"
        self.sql(f"CREATE TABLE {self.table} (id int PRIMARY KEY, name varchar(40), "
                 f"country varchar(2), amount int, price decimal(10,2), note text){more}")
        if self.is_postgresql:
            self.sql(f"ALTER TABLE {self.table} ALTER note SET STORAGE EXTERNAL")
            if self.is_full:
                self.sql(f"ALTER TABLE {self.table} REPLICA IDENTITY FULL")
        for _ in range(6):
            self.sql(f"INSERT INTO {self.table} VALUES {', '.join(self.row() for _ in range(100))}")

    def sql(self, text):
        self.source.query(text, self.source.installer)

    def value(self, column):
        pick = self.random
        return {"name": lambda: pick.choice(WORDS), "country": lambda: pick.choice(["DE", "FR", None]),
                "amount": lambda: pick.choice([None, 0, 7, 50, 51, 1000]),
                "price": lambda: pick.choice([None, Decimal("9.99"), Decimal("10.00"), 12345678]),
                "note": lambda: pick.choice([None, "", "xy", "long enough", "z" * 9000])}[column]()

    def text(self, column):
        value = self.value(column)
        if self.is_postgresql and isinstance(value, str):
            return "'" + value.replace("'", "''") + "'"
        return literal(value)

    def row(self):
        self.next += 1
        values = [self.text(name) for name in COLUMNS.split(", ")[1:]]
        return f"({self.next - 1}, {', '.join(values)})"

    def change(self):
        pick, key = self.random, self.random.randrange(1, self.next + 1)
        kind = pick.random()
        if kind < 0.004 and self.may_truncate:
            return f"TRUNCATE {self.table}" if self.is_postgresql else f"DELETE FROM {self.table}"
        if kind < 0.01:
            return self.large()
        if kind < 0.3:
            return f"INSERT INTO {self.table} VALUES {self.row()}"
        if kind < 0.45:
            return f"DELETE FROM {self.table} WHERE id = {key}"
        if kind < 0.55 and self.is_full:
            self.next += 1
            return f"UPDATE {self.table} SET id = {self.next - 1} WHERE id = {key}"
        columns = pick.sample(COLUMNS.split(", ")[1:], pick.choice([1, 1, 2]))
        values = ", ".join(f"{name} = {self.text(name)}" for name in columns)
        return f"UPDATE {self.table} SET {values} WHERE id BETWEEN {key} AND {key + 2}"

    def large(self):
        """Comes in parts, from PostgreSQL before it commits."""
        first = self.next
        self.next += 4000
        return (f"INSERT INTO {self.table} SELECT g, 'n', 'DE', g, 1.5, 'some words' "
                f"FROM {self.source.series(first, self.next - 1)}")

    def traffic(self, transactions):
        link = self.source.connect(self.source.installer, autocommit=False)
        with link.cursor() as cursor:
            for _ in range(transactions):
                for _ in range(self.random.choice([1, 1, 3, 8])):
                    cursor.execute(self.change())
                link.commit()
        link.close()

    # Expected and found

    def expected(self):
        link = sqlite3.connect(":memory:")
        link.execute("CREATE TABLE people (id INTEGER, name TEXT, country TEXT, amount INTEGER, "
                     "price NUMERIC, note TEXT)")
        link.execute("CREATE TABLE lands (code TEXT PRIMARY KEY, title TEXT, weight INTEGER)")
        link.executemany("INSERT INTO lands VALUES (?, ?, ?)", LANDS)
        rows = self.source.query(f"SELECT {COLUMNS} FROM {self.table}", self.source.installer)
        link.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?, ?)", [
            [float(value) if isinstance(value, Decimal) else value for value in row]
            for row in rows])
        return sorted(map(plain, link.execute(self.sql_text)))

    def compare(self):
        expected, found = self.expected(), self.found()
        missing, extra = set(expected) - set(found), set(found) - set(expected)
        require(expected == found,
                f"{self.sql_text}: {len(missing)} missing, {len(extra)} extra of {len(expected)}: "
                f"{sorted(missing)[:2]} {sorted(extra)[:2]}")
        log(f"{len(expected)} rows: {self.sql_text}")

    def found(self):
        name = self.pipeline.target_name("people")
        names = [output.split(" AS ")[-1].strip()
                 for output in self.outputs()]
        return sorted(map(plain, self.target.query(f"SELECT {', '.join(names)} FROM {name}")))

    def outputs(self):
        depth, part, parts = 0, "", []
        for letter in self.sql_text[7:self.sql_text.index(" FROM people")]:
            depth += {"(": 1, ")": -1}.get(letter, 0)
            if letter == "," and depth == 0:
                parts.append(part)
                part = ""
            else:
                part += letter
        return parts + [part]


def plain(row):
    """Values as they compare across engines."""
    return tuple("-" if value is None
                 else f"{float(value):.4f}" if isinstance(value, (int, float, Decimal))
                 else number(value) for value in row)


def number(text):
    """SQLite keeps decimals as text."""
    text = text.decode() if isinstance(text, bytes) else text
    try:
        return f"{float(text):.4f}" if text and text.strip() == text else text
    except ValueError:
        return text


def load_again(model):
    """Into the table that is there, which has a unique key of its own now: rows are staged."""
    names = [output.split(" AS ")[-1].strip() for output in model.outputs()]
    if len(names) > 1 and model.target.engine in ("postgresql", "sqlite"):
        table = model.pipeline.target_name("people")
        execute = getattr(model.target, "write", model.target.query)
        execute(f"CREATE UNIQUE INDEX folk_unique ON {table} (id, {names[1]})"
                if names[1] not in ("remark", "note") else
                f"CREATE UNIQUE INDEX folk_unique ON {table} (id, {names[0]}) WHERE id > 0")
    model.may_truncate = False
    worker = threading.Thread(target=model.traffic, args=(60,))
    worker.start()
    run = model.pipeline.start("--fresh", "--yes", "--until-caught-up")
    worker.join()
    code = run.wait(120)
    require(code == 0, f"run --fresh ended with {code}: {run.tail()}")
    model.pipeline.catch_up(120)
    model.compare()


def transforms(options, target, number):
    model = Model(options, target, number)
    model.pipeline.install()
    worker = threading.Thread(target=model.traffic, args=(options.transactions,))
    run = model.pipeline.start()
    worker.start()
    # Before, a TRUNCATE may fall between the look at the table and the log's beginning.
    wait_until(lambda: run.must_live() and model.pipeline.tables(), 60, "the load begins", 0.05)
    model.may_truncate = True
    for _ in range(options.kills):
        time.sleep(model.random.uniform(0.3, 1.5))
        run.must_live()
        run.kill()
        run = model.pipeline.start()
    worker.join()
    run.must_live()
    run.kill()
    model.traffic(30)
    model.pipeline.catch_up(120)
    model.compare()
    tried = model.pipeline.call("transform", "--table", model.table, "--limit", "5")
    require(tried.returncode == 0 and "rows pass" in tried.stdout,
            f"transform: {tried.stdout}{tried.stderr}")
    load_again(model)
    left = [path.name for path in model.pipeline.folder.rglob("lookups-*")]
    require(not left, f"a file of lookups is left: {left}")
    let_go(model.source, model.target)


# Every type an expression may have: its name under `types:` where nothing tells, the expression, and
# what must be at the target of the row (n, name).
MADE = [
    ("t_bool", None, "id = 1", lambda n, name: n == 1),
    ("t_small", "smallint", "id + 1", lambda n, name: n + 1),
    ("t_big", "bigint", "id + 9007199254740992", lambda n, name: n + 9007199254740992),
    ("t_double", "double", "id / 4.0", lambda n, name: n / 4),
    ("t_dec", "numeric(12,2)", "decimal_mul(id, '1.50')", lambda n, name: Decimal("1.50") * n),
    ("t_num", None, "decimal_div(id, 3, 20)", lambda n, name: (Decimal(n) / 3).quantize(Decimal(10) ** -20)),
    ("t_text", None, "name || '!'", lambda n, name: None if name is None else name + "!"),
    ("t_var", "varchar(10)", "substr(name, 1, 3)", lambda n, name: None if name is None else name[:3]),
    ("t_bytes", None, "x'00ff'", lambda n, name: b"\x00\xff"),
    ("t_uuid", None, "uuid_v5(name, 'dns')",
     lambda n, name: None if name is None else str(uuid.uuid5(uuid.NAMESPACE_DNS, name))),
    ("t_date", None, "date('2024-02-29')", lambda n, name: "2024-02-29"),
    ("t_time", None, "time('12:34:56')", lambda n, name: "12:34:56"),
    ("t_stamp", None, "datetime('2024-02-29 12:34:56')", lambda n, name: "2024-02-29 12:34:56"),
    ("t_moment", None, "to_timestamp(1284352323.5)", lambda n, name: "2010-09-13 04:32:03.5"),
    ("t_json", None, "json_object('a', id)", lambda n, name: '{"a":%d}' % n),
]


def shown(value):
    """A value as every client shows it, or nearly."""
    if isinstance(value, (bytearray, memoryview)):
        value = bytes(value)
    if isinstance(value, bytes) and not value.startswith(b"\x00"):
        value = value.decode()
    if isinstance(value, dict):
        value = json.dumps(value)
    if isinstance(value, str):
        value = re.sub(r"(\.\d*?)0+$", r"\1", value.replace(" ", "").removesuffix("+00"))
        return value.removesuffix(".").replace("T", "")
    if isinstance(value, datetime.datetime):
        return shown(value.replace(tzinfo=None).isoformat(" "))
    if isinstance(value, (bool, int, float, Decimal)):
        return shown(f"{Decimal(value):f}" if "." in f"{Decimal(value):f}" else f"{int(value)}.0")
    return value if value is None or isinstance(value, bytes) else shown(str(value))


def types(options, target):
    source, target = make_source(options.source), make_target(target)
    table = f"{source.schema}.made"
    names = ", ".join(name for name, *_ in MADE)
    sql = ", ".join(f"{text} AS {name}" for name, _, text, _ in MADE)
    pipeline = Pipeline(source, target, {"transforms": [{
        "table": table, "sql": f"SELECT id, {sql} FROM made",
        "types": {name: kind for name, kind, *_ in MADE if kind}}]})

    def execute(text):
        source.query(text, source.installer)

    more = "" if source.engine == "postgresql" else " CHARACTER SET utf8mb4"
    execute(f"CREATE TABLE {table} (id int PRIMARY KEY, name varchar(40)){more}")
    execute(f"INSERT INTO {table} VALUES (1, 'anna'), (2, 'chlo\u00e9'), (3, NULL), (4, 'x')")
    pipeline.install()
    pipeline.catch_up(60)
    execute(f"INSERT INTO {table} VALUES (5, 'bob'), (7, 'eve')")
    execute(f"UPDATE {table} SET name = 'dora' WHERE id IN (1, 5)")
    execute(f"DELETE FROM {table} WHERE id = 4")
    pipeline.catch_up(60)
    rows = {1: "dora", 2: "chlo\u00e9", 3: None, 5: "dora", 7: "eve"}
    found = target.query(f"SELECT id, {names} FROM {pipeline.target_name('made')} ORDER BY id")
    require([row[0] for row in found] == list(rows), f"rows {[row[0] for row in found]}")
    for row in found:
        for (name, _, text, expected), value in zip(MADE, row[1:]):
            wanted = expected(row[0], rows[row[0]])
            require(shown(value) == shown(wanted), f"{name} of {row[0]}: {value!r}, not {wanted!r}")
    let_go(source, target)


def changed(options, target):
    """Rows of another transform, or of another secret, are not written beside the old ones."""
    source, target = make_source(options.source), make_target(target)
    table, secret = f"{source.schema}.kept", "geheim-4711"
    rule = {"table": table, "sql": "SELECT id, hmac_sha256(name, key('pii')) AS name, title "
                                   "FROM kept LEFT JOIN lands ON code = name"}
    lookups = [{"name": "lands", "csv": "lands.csv", "key": "code"}]

    def given(**changes):
        pipeline.options["transforms"] = [{**rule, **changes}]
        pipeline.write("pipeline", source.url(source.capture))

    def rows():
        return target.query(f"SELECT * FROM {pipeline.target_name('kept')} ORDER BY id")

    os.environ["PII"] = secret
    source.query(f"CREATE TABLE {table} (id int PRIMARY KEY, name varchar(40))", source.installer)
    source.query(f"INSERT INTO {table} VALUES (1, 'a')", source.installer)
    pipeline = Pipeline(source, target, {
        "transforms": [rule], "lookups": lookups, "keys": {"pii": "${PII}"}})
    file = pipeline.folder / "lands.csv"
    write_lands(file)
    pipeline.install()
    pipeline.catch_up(60)
    first = rows()
    source.query(f"INSERT INTO {table} VALUES (2, 'b')", source.installer)
    others = [{"sql": rule["sql"] + " WHERE id > 0"}, {"types": {"name": "varchar(64)"}}, {}, {}]
    for number, other in enumerate(others):
        given(**other)
        os.environ["PII"] = "another" if number == 2 else secret
        write_lands(file, LANDS[1:] if number == 3 else LANDS)
        run = pipeline.start("--until-caught-up")
        code = run.wait(60)
        require(code == 2 and "differ from those it was started with" in run.tail(),
                f"change {number}: run ended with {code}: {run.tail()}")
        require(rows() == first, f"change {number}: the target changed")
    given()
    write_lands(file, LANDS + LANDS[:1])
    said = pipeline.call("check")
    require(said.returncode == 2 and "lands.csv, line 5" in said.stderr and "key (code)" in said.stderr,
            f"check of a key that is there twice: {said.returncode} {said.stdout}{said.stderr}")
    write_lands(file)
    for command in ("plan", "check", "status"):
        said = pipeline.call(command)
        require(secret not in said.stdout + said.stderr, f"{command} shows the secret")
        require(said.returncode in (0, 8), f"{command} ended with {said.returncode}: {said.stderr}")
    pipeline.catch_up(60)
    require(len(rows()) == 2 and rows()[0] == first[0], f"at the end {len(rows())} rows")
    require(secret not in "".join(run.text() for run in pipeline.runs), "run shows the secret")
    let_go(source, target)


if __name__ == "__main__":
    chosen = arguments(__doc__, rounds=4, transactions=300, kills=2)
    proof = Proof()
    for turn in range(chosen.rounds):
        for end in (chosen.target, "sqlite"):
            proof.check(f"transforms {turn}: {chosen.source} to {end}", transforms, chosen, end, turn)
    for end in (chosen.target, "sqlite"):
        proof.check(f"types: {chosen.source} to {end}", types, chosen, end)
        proof.check(f"changed: {chosen.source} to {end}", changed, chosen, end)
    proof.end()
