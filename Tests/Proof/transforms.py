#!/usr/bin/python3
"""transform(load) + transform(stream) = transform(final source), by a model: random rows, random
filters and projections, random DML while the load runs and behind it, with kill -9 in between. What
must be at the target is computed by running the same SELECT in SQLite over the source's final rows.
"""

import random
import sqlite3
import threading
import time
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
TYPES = {"twice": "bigint"}


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
        self.pipeline = Pipeline(self.source, self.target, {"transforms": [{
            "table": self.table, "into": "folk", "sql": self.sql_text, "types": {
                name: kind for name, kind in TYPES.items() if f" AS {name}" in self.sql_text}}]})

    def choose(self):
        outputs = [text for text, parts in OUTPUTS
                   if self.random.random() < 0.6 and (self.is_full or parts < 2)]
        where = self.random.choice(FILTERS) if self.is_full else "id % 3 <> 0"
        return f"SELECT {', '.join(['id'] + outputs)} FROM people WHERE {where}"

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
        for letter in self.sql_text[7:self.sql_text.index(" FROM ")]:
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
    let_go(model.source, model.target)


if __name__ == "__main__":
    chosen = arguments(__doc__, rounds=4, transactions=300, kills=2)
    proof = Proof()
    for turn in range(chosen.rounds):
        for end in (chosen.target, "sqlite"):
            proof.check(f"transforms {turn}: {chosen.source} to {end}", transforms, chosen, end, turn)
    proof.end()
