#!/usr/bin/python3
"""One table in several, several in one: random rows, SELECTs and DML while the load runs and behind
it, with kill -9 in between. What must be at the target is what the SELECTs give over the source's
final rows, and their UNION ALL where several go to one.
"""

import random
import sqlite3
import threading
import time
from decimal import Decimal

from lab import Pipeline, let_go, log, make_source, make_target, require, wait_until
from setting import Proof, arguments
from transforms import COLUMNS, FILTERS, Model, plain


class Rules(Model):
    """A pipeline with several rules over some tables, which have the same columns. A rule is (table,
    into, SQL, key); a table's name without its schema."""

    def __init__(self, options, target, number):
        self.random = random.Random(f"{options.seed}-{number}")
        self.source, self.target = make_source(options.source), make_target(target)
        self.is_postgresql = self.source.engine == "postgresql"
        self.is_full, self.may_truncate, self.next = True, False, 1
        self.rules = self.choose()
        self.names = sorted({rule[0] for rule in self.rules})
        for name in self.names:
            self.table = f"{self.source.schema}.{name}"
            self.make_table()
        self.pipeline = Pipeline(self.source, self.target, {
            "transforms": [
                {"table": f"{self.source.schema}.{table}", "into": into, "sql": sql, "key": key,
                 **({"types": {"region": "varchar(8)"}} if "region" in key else {})}
                for table, into, sql, key in self.rules]})

    def change(self):
        self.table = f"{self.source.schema}.{self.random.choice(self.names)}"
        return super().change()

    def compare(self):
        link = sqlite3.connect(":memory:")
        for name in self.names:
            link.execute(f"CREATE TABLE {name} (id INTEGER, name TEXT, country TEXT, "
                         "amount INTEGER, price NUMERIC, note TEXT)")
            rows = self.source.query(f"SELECT {COLUMNS} FROM {self.source.schema}.{name}",
                                     self.source.installer)
            link.executemany(f"INSERT INTO {name} VALUES (?, ?, ?, ?, ?, ?)", [
                [float(value) if isinstance(value, Decimal) else value for value in row]
                for row in rows])
        for into in sorted({rule[1] for rule in self.rules}):
            texts = [sql for _, there, sql, _ in self.rules if there == into]
            self.compare_one(into, link.execute(" UNION ALL ".join(texts)), texts)

    def compare_one(self, into, cursor, texts):
        names = [column[0] for column in cursor.description]
        expected = sorted(map(plain, cursor))
        schema = getattr(self.target, "schema", None)
        table = self.target.named(f"{schema}.{into}" if schema else into)
        found = sorted(map(plain, self.target.query(f"SELECT {', '.join(names)} FROM {table}")))
        missing, extra = set(expected) - set(found), set(found) - set(expected)
        require(expected == found,
                f"{into}: {texts}: {len(missing)} missing, {len(extra)} extra of {len(expected)}: "
                f"{sorted(missing)[:2]} {sorted(extra)[:2]}")
        log(f"{into}: {len(expected)} rows: {' UNION ALL '.join(texts)}")


class Split(Rules):
    OUTPUTS = ["name", "note AS remark", "price", "upper(name) AS big", "name || country AS pair",
               "CASE WHEN amount > 50 THEN 'high' ELSE 'low' END AS level", "amount"]

    def choose(self):
        pick = self.random
        rules = []
        for number in range(pick.choice([2, 3])):
            outputs = ["id"] + [text for text in self.OUTPUTS if pick.random() < 0.6]
            rules.append(("people", f"folk{number}", f"SELECT {', '.join(outputs)} FROM people "
                          f"WHERE {pick.choice(FILTERS)}", ["id"]))
        # Rows go from the one to the other.
        rules += [("people", "poor", "SELECT id, name, amount FROM people WHERE amount <= 50", ["id"]),
                  ("people", "rich", "SELECT id, name, amount FROM people WHERE amount > 50", ["id"])]
        return rules


class Merge(Rules):
    """Two tables in one, told apart by a constant, with SELECTs and filters of their own. One of them
    goes somewhere else, too."""

    def choose(self):
        pick = self.random
        outputs = ", ".join(["id"] + [text for text in Split.OUTPUTS if pick.random() < 0.6])
        return [(table, into, f"SELECT '{region}' AS region, {outputs} FROM {table} "
                 f"WHERE {pick.choice(FILTERS)}", ["region", "id"])
                for table, region, into in (("people", "eu", "folk"), ("crowd", "us", "folk"),
                                            ("crowd", "us", "copy"))]


class Guarded(Rules):
    """Two tables in one, whose rows have keys of their own; rows move from one to the other."""

    def choose(self):
        pick = self.random
        outputs = ", ".join(["id"] + [text for text in Split.OUTPUTS if pick.random() < 0.6])
        return [(table, "folk", f"SELECT {outputs} FROM {table} WHERE {pick.choice(FILTERS)}", ["id"])
                for table in ("people", "crowd")]

    def traffic(self, transactions):
        link = self.source.connect(self.source.installer, autocommit=False)
        with link.cursor() as cursor:
            for _ in range(transactions):
                for _ in range(self.random.choice([1, 1, 3, 8])):
                    if self.random.random() < 0.3:
                        self.move(cursor)
                    else:
                        cursor.execute(self.change())
                link.commit()
        link.close()

    def move(self, cursor):
        """Some of them change on their way, and some come back at once."""
        one, other = self.random.sample(self.names, 2)
        key = self.random.randrange(1, self.next + 1)
        for source, goal in [(one, other), (other, one)][:self.random.choice([1, 1, 2])]:
            source, goal = f"{self.source.schema}.{source}", f"{self.source.schema}.{goal}"
            cursor.execute(f"SELECT id FROM {source} WHERE id BETWEEN {key} AND {key + 3}")
            for (found,) in cursor.fetchall():
                cursor.execute(f"DELETE FROM {source} WHERE id = {found}")
                values = ", ".join(self.text(name) for name in COLUMNS.split(", ")[1:])
                cursor.execute(f"INSERT INTO {goal} VALUES ({found}, {values})")


def state(run, model):
    return run.must_live() and (model.pipeline.status() or {}).get("tables")


def follow(options, target, number, make):
    model = make(options, target, number)
    model.pipeline.install()
    # Chunks that are read behind the backlog are of a later moment than what is at the target.
    run = model.pipeline.start(environment={"MARTLET_FAILPOINT": "chunk-committed:2"})
    require(run.wait(60) == -9, f"it did not die: {run.tail()}")
    model.traffic(60)
    worker = threading.Thread(target=model.traffic, args=(options.transactions,))
    run = model.pipeline.start()
    worker.start()
    wait_until(lambda: state(run, model), 60, "the load begins", 0.05)
    model.may_truncate = not isinstance(model, Guarded)
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
    check_status(model)
    model.may_truncate = False
    worker = threading.Thread(target=model.traffic, args=(40,))
    worker.start()
    run = model.pipeline.start("--fresh", "--yes", "--until-caught-up")
    worker.join()
    code = run.wait(120)
    require(code == 0, f"run --fresh ended with {code}: {run.tail()}")
    model.pipeline.catch_up(120)
    model.compare()
    let_go(model.source, model.target)


def check_status(model):
    """Each target of each table is there, and live."""
    found = {(table["source"].split(".")[-1], table["target"].split(".")[-1].strip('"'))
             for table in model.pipeline.status()["tables"] if table["state"] == "live"}
    wanted = {(rule[0], rule[1]) for rule in model.rules}
    require(found == wanted, f"status shows {sorted(found)}, not {sorted(wanted)}")


class Pair:
    """Two tables with a name each, and a pipeline that brings them into one."""

    def __init__(self, options, target, rules=None, **settings):
        self.source, self.target = make_source(options.source), make_target(target)
        for name in ("one", "two"):
            self.sql(f"CREATE TABLE {self.table(name)} (id int PRIMARY KEY, name varchar(40))")
            if self.source.engine == "postgresql":
                self.sql(f"ALTER TABLE {self.table(name)} REPLICA IDENTITY FULL")
        self.pipeline = Pipeline(self.source, self.target, {
            "transforms": [{"table": self.table(name), "into": "folk", **rule} for name, rule in (
                rules or {name: {"sql": f"SELECT id, name FROM {name}"} for name in ("one", "two")}
            ).items()], **settings})

    def table(self, name):
        return f"{self.source.schema}.{name}"

    def sql(self, text):
        self.source.query(text, self.source.installer)

    def folk(self):
        schema = getattr(self.target, "schema", None)
        return self.target.named(f"{schema}.folk" if schema else "folk")

    def rows(self, columns="id, name"):
        return sorted(tuple(row) for row in self.target.query(f"SELECT {columns} FROM {self.folk()}"))

    def must_stop(self, *words):
        """It does, and again when it is started again; nobody sees a value."""
        for _ in range(2):
            run = self.pipeline.start("--until-caught-up")
            require(run.wait(60) not in (0, None), "the run went on")
            text = run.tail()
            require(all(word in text for word in words), f"it does not say {words}: {text}")
            require("secret" not in text, "a value is told")


def stops(options, target):
    """Two rows of one key, in the load, in the stream, in one transaction; TRUNCATE."""
    words = ("two of their rows have one key (id)", "folk")
    pair = Pair(options, target)
    pair.sql(f"INSERT INTO {pair.table('one')} VALUES (1, 'secret-a'), (2, 'b')")
    pair.sql(f"INSERT INTO {pair.table('two')} VALUES (2, 'secret-b'), (3, 'c')")
    pair.pipeline.install()
    pair.must_stop(*words)
    let_go(pair.source, pair.target)

    pair = Pair(options, target)
    pair.sql(f"INSERT INTO {pair.table('one')} VALUES (1, 'a')")
    pair.sql(f"INSERT INTO {pair.table('two')} VALUES (3, 'c')")
    pair.pipeline.install()
    pair.pipeline.catch_up(60)
    # What moves is no second row.
    transaction(pair, f"DELETE FROM {pair.table('one')} WHERE id = 1",
                f"INSERT INTO {pair.table('two')} VALUES (1, 'moved')",
                f"INSERT INTO {pair.table('one')} VALUES (4, 'd')",
                f"DELETE FROM {pair.table('one')} WHERE id = 4",
                f"INSERT INTO {pair.table('two')} VALUES (4, 'e')")
    pair.pipeline.catch_up(60)
    require(pair.rows() == [(1, "moved"), (3, "c"), (4, "e")], f"moved: {pair.rows()}")
    # Two rows have had one key, though the net of each table's changes leaves one of them.
    transaction(pair, f"INSERT INTO {pair.table('two')} VALUES (9, 'i')",
                f"INSERT INTO {pair.table('one')} VALUES (3, 'secret')",
                f"DELETE FROM {pair.table('two')} WHERE id = 3")
    pair.must_stop(*words)
    require(pair.rows() == [(1, "moved"), (3, "c"), (4, "e")], f"stopped: {pair.rows()}")
    let_go(pair.source, pair.target)

    pair = Pair(options, target)
    pair.sql(f"INSERT INTO {pair.table('one')} VALUES (1, 'a')")
    pair.pipeline.install()
    pair.pipeline.catch_up(60)
    pair.sql(f"TRUNCATE {pair.table('two')}")
    pair.must_stop("nothing in the key tells whose a row is", "run --fresh")
    require(pair.rows() == [(1, "a")], f"TRUNCATE: {pair.rows()}")
    let_go(pair.source, pair.target)


def moved(options, target):
    """Rows that move while the process is down are read where they came to before the stream takes them
    away where they were: that is no second row."""
    pair = Pair(options, target, snapshot={"workers": 1, "chunk_rows": 50_000})
    pair.sql(f"INSERT INTO {pair.table('one')} SELECT g, 'a' FROM {pair.source.series(1, 9_000)}")
    pair.pipeline.install()
    run = pair.pipeline.start(environment={"MARTLET_FAILPOINT": "chunk-committed:1"})
    require(run.wait(60) == -9, f"it did not die: {run.tail()}")
    # The stream has to come by these first.
    for name in "bcdefg":
        pair.sql(f"UPDATE {pair.table('one')} SET name = '{name}'")
    for key in range(1, 101):
        transaction(pair, f"DELETE FROM {pair.table('one')} WHERE id = {key}",
                    f"INSERT INTO {pair.table('two')} VALUES ({key}, 'moved')")
    pair.pipeline.catch_up(60)
    require(pair.rows() == [(key, "moved" if key < 101 else "g") for key in range(1, 9_001)],
            f"{len(pair.rows())} rows")
    let_go(pair.source, pair.target)


def shares(options, target):
    """`existing` is about a table's own share, and about each target of a table."""
    rules = {"one": {"sql": "SELECT 7 AS shop, id FROM one", "key": ["shop", "id"],
                     "types": {"shop": "int"}}}
    pair = Pair(options, target, rules)
    write = getattr(pair.target, "write", pair.target.query)
    write(f"CREATE TABLE {pair.folk()} (shop {'integer' if pair.target.engine == 'sqlite' else 'int'}"
          " NOT NULL, id int NOT NULL, PRIMARY KEY (shop, id))"
          + (" STRICT" if pair.target.engine == "sqlite" else ""))
    if pair.target.engine == "postgresql":
        write(f"ALTER TABLE {pair.folk()} OWNER TO {pair.target.apply}")
    write(f"INSERT INTO {pair.folk()} VALUES (8, 1)")
    pair.sql(f"INSERT INTO {pair.table('one')} VALUES (1, 'a')")
    pair.pipeline.install()
    write(f"INSERT INTO {pair.folk()} VALUES (7, 5)")
    run = pair.pipeline.start("--until-caught-up")
    require(run.wait(60) == 3 and "rows that Martlet did not write" in run.tail(),
            f"existing: refuse: {run.tail()}")
    pair.pipeline.options["existing"] = "truncate"
    pair.pipeline.write("pipeline", pair.source.url(pair.source.capture))
    pair.pipeline.catch_up(60)
    require(pair.rows("shop, id") == [(7, 1), (8, 1)], f"existing: truncate: {pair.rows('shop, id')}")
    let_go(pair.source, pair.target)


def transaction(pair, *statements):
    link = pair.source.connect(pair.source.installer, autocommit=False)
    with link.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    link.commit()
    link.close()


def pipelines(options, target):
    """The same table of two sources into one: each pipeline has its share of it."""
    end = make_target(target)
    sources = [make_source(options.source), make_source(options.source)]
    lines, rows = [], {}

    def change(number, text):
        sources[number].query(text, sources[number].installer)

    def expect():
        found = sorted(tuple(row) for row in end.query(f"SELECT shop, id, name FROM {folk}"))
        wanted = sorted((lines[number].name, *row) for number in rows for row in rows[number])
        require(found == wanted, f"{found}, not {wanted}")

    schema = getattr(end, "schema", None)
    folk = end.named(f"{schema}.folk" if schema else "folk")
    for number, source in enumerate(sources):
        table = f"{source.schema}.customers"
        change(number, f"CREATE TABLE {table} (id int PRIMARY KEY, name varchar(40))")
        change(number, f"INSERT INTO {table} VALUES (1, 'a{number}'), (2, 'b{number}')")
        lines.append(Pipeline(source, end, {"transforms": [{
            "table": table, "into": "folk", "key": ["shop", "id"], "types": {"shop": "varchar(60)"},
            "sql": "SELECT source_name() AS shop, id, name FROM customers"}]}))
        lines[number].install()
        lines[number].catch_up(60)
        rows[number] = [(1, f"a{number}"), (2, f"b{number}")]
        expect()
    tables = [f"{source.schema}.customers" for source in sources]
    change(0, f"UPDATE {tables[0]} SET name = 'c' WHERE id = 1")
    change(1, f"TRUNCATE {tables[1]}")
    change(1, f"INSERT INTO {tables[1]} VALUES (9, 'z')")
    rows = {0: [(1, "c"), (2, "b0")], 1: [(9, "z")]}
    for line in lines:
        line.catch_up(60)
    expect()
    change(0, f"INSERT INTO {tables[0]} VALUES (3, 'd')")
    rows[0].append((3, "d"))
    run = lines[0].start("--fresh", "--yes", "--until-caught-up")
    require(run.wait(60) == 0, f"run --fresh: {run.tail()}")
    expect()
    # Without what tells them apart it is refused, not taken for its own.
    third = Pipeline(sources[0], end, {"transforms": [{
        "table": tables[0], "into": "folk", "key": ["shop", "id"], "types": {"shop": "varchar(60)"},
        "sql": "SELECT lower('x') AS shop, id, name FROM customers"}]})
    third.call("check", "--install", path=third.install_path)
    run = third.start("--until-caught-up")
    require(run.wait(60) == 3 and "rows that Martlet did not write" in run.tail(),
            f"a third pipeline: {run.tail()}")
    expect()
    let_go(*sources, end)


KINDS = {"split": Split, "merge": Merge, "guarded": Guarded}

if __name__ == "__main__":
    chosen = arguments(__doc__, rounds=2, transactions=300, kills=2, only="")
    proof = Proof()
    for turn in range(chosen.rounds):
        for end in (chosen.target, "sqlite"):
            for name, kind in KINDS.items():
                if chosen.only in ("", name):
                    proof.check(f"{name} {turn}: {chosen.source} to {end}", follow, chosen, end,
                                turn, kind)
    for end in (chosen.target, "sqlite"):
        for name, shown in (("stops", stops), ("moved", moved), ("shares", shares), ("pipelines", pipelines)):
            if chosen.only in ("", name):
                proof.check(f"{name}: {chosen.source} to {end}", shown, chosen, end)
    proof.end()
