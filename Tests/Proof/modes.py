#!/usr/bin/python3
"""Modes of tables: random DML while the load runs and behind it, with kill -9 in between. What must
be at the target is computed from the source alone: its rows are read after each statement, and what
differs is what the statement did.
"""

import datetime
import random
import threading
import time

from lab import Pipeline, let_go, log, make_source, make_target, require, wait_until
from setting import Proof, arguments

COLUMNS = ["id", "kind", "amount", "note", "version"]
NAMES = {"soft_delete": "soft", "append": "logged", "history": "past"}
# Seconds by which the clock of the log may differ: MariaDB writes whole ones.
SLACK = 1.5


class Table:
    """What was done to one table: for each key its steps (word, row, number of the transaction)."""

    def __init__(self, model, mode, is_filtered):
        self.model, self.mode, self.name = model, mode, NAMES[mode]
        self.full_name = f"{model.source.schema}.{self.name}"
        self.is_filtered = is_filtered
        self.state, self.steps, self.next = {}, {}, 1

    def rule(self):
        rule = {"table": self.full_name, "mode": self.mode}
        if self.is_filtered:
            rule["sql"] = f"SELECT {', '.join(COLUMNS)} FROM {self.name} WHERE kind <> 'out'"
        return rule

    def read(self, cursor, where=""):
        cursor.execute(f"SELECT {', '.join(COLUMNS)} FROM {self.full_name} {where}")
        return {row[0]: tuple(row) for row in cursor.fetchall()
                if not self.is_filtered or row[1] != "out"}

    def note(self, cursor, keys, transaction):
        """After each statement, the rows that it may have changed: every UPDATE changes `version`,
        so that none is overlooked."""
        state = self.read(cursor, f"WHERE id IN ({', '.join(map(str, keys))})")
        for key in keys:
            old, new = self.state.pop(key, None), state.get(key)
            if new is not None:
                self.state[key] = new
            if old != new:
                word = "insert" if old is None else "delete" if new is None else "update"
                self.step(key, word, old if new is None else new, transaction)

    def step(self, key, word, row, transaction):
        self.steps.setdefault(key, []).append((word, row, transaction))

    def found(self, columns):
        names = ", ".join(COLUMNS + columns)
        table = self.model.pipeline.target_name(self.name)
        return [tuple(map(plain, row))
                for row in self.model.target.query(f"SELECT {names} FROM {table}")]


class Model:
    def __init__(self, options, target, number):
        self.random = random.Random(f"{options.seed}-{number}")
        self.source, self.target = make_source(options.source), make_target(target)
        self.is_postgresql = self.source.engine == "postgresql"
        self.tables = [Table(self, mode, number % 2 == 1) for mode in NAMES
                       if self.is_postgresql or mode != "history"]
        self.times = []
        for table in self.tables:
            self.make(table)
        self.pipeline = Pipeline(self.source, self.target,
                                 {"transforms": [table.rule() for table in self.tables],
                                  "snapshot": {"workers": 2, "chunk_rows": (40, 10_000)[number % 2]}})

    def sql(self, text):
        self.source.query(text, self.source.installer)

    def make(self, table):
        more = "" if self.is_postgresql else " CHARACTER SET utf8mb4"
        self.sql(f"CREATE TABLE {table.full_name} (id int PRIMARY KEY, kind varchar(5) NOT NULL, "
                 f"amount int, note text, version int NOT NULL){more}")
        if self.is_postgresql:
            self.sql(f"ALTER TABLE {table.full_name} ALTER note SET STORAGE EXTERNAL")
            self.sql(f"ALTER TABLE {table.full_name} REPLICA IDENTITY FULL")
        for _ in range(4):
            rows = ", ".join(self.row(table) for _ in range(500))
            self.sql(f"INSERT INTO {table.full_name} VALUES {rows}")

    def row(self, table, key=None):
        if key is None:
            key, table.next = table.next, table.next + 1
        return f"({key}, {self.values()}, 1)"

    def values(self):
        pick = self.random
        kind = pick.choice(["'in'", "'in'", "'out'"])
        note = pick.choice(["NULL", "''", "'xy'", "'d''Arc'", "'n'"] * 6 + [f"'{'z' * 3000}'"])
        return f"{kind}, {pick.choice(['NULL', '0', '7', '50'])}, {note}"

    def change(self, table, key, cursor):
        pick, name = self.random, table.full_name
        kind = pick.random()
        if kind < 0.3:
            # Keys come back, in the same transaction too.
            cursor.execute(f"SELECT count(*) FROM {name} WHERE id = {key}")
            is_there = cursor.fetchone()[0]
            return f"INSERT INTO {name} VALUES {self.row(table, None if is_there else key)}"
        if kind < 0.55:
            return f"DELETE FROM {name} WHERE id BETWEEN {key} AND {key + 1}"
        if kind < 0.65:
            table.next += 1
            return (f"UPDATE {name} SET id = {table.next - 1}, version = version + 1 "
                    f"WHERE id = {key}")
        column, value = pick.choice([("kind", "'in'"), ("kind", "'out'"), ("amount", "51"),
                                     ("note", "'xyz'"), ("note", f"'{'y' * 2500}'")])
        return (f"UPDATE {name} SET {column} = {value}, version = version + 1 "
                f"WHERE id BETWEEN {key} AND {key + 2}")

    def traffic(self, transactions):
        link = self.source.connect(self.source.installer, autocommit=False)
        with link.cursor() as cursor:
            for table in self.tables:
                if not self.times:
                    table.state = table.read(cursor)
                    for key, row in table.state.items():
                        table.step(key, "insert", row, 0)
            link.commit()
            self.times = self.times or [(0, 0)]
            for number in range(transactions):
                self.transaction(cursor, link)
                if number == transactions // 3:
                    self.large(cursor, link)
        link.close()

    def transaction(self, cursor, link):
        began = time.time()
        table = key = None
        for _ in range(self.random.choice([1, 1, 3, 6])):
            # Half of the changes are of what the transaction has changed already.
            if table is None or self.random.random() < 0.5:
                table = self.random.choice(self.tables)
                key = self.random.randrange(1, table.next)
            cursor.execute(self.change(table, key, cursor))
            table.note(cursor, {key, key + 1, key + 2, table.next - 1}, len(self.times))
        link.commit()
        self.times.append((began - SLACK, time.time() + SLACK))

    def large(self, cursor, link):
        """Comes in parts: each row twice in one transaction."""
        began, table = time.time(), self.random.choice(self.tables)
        for _ in range(2):
            cursor.execute(f"UPDATE {table.full_name} SET version = version + 1")
            table.note(cursor, set(range(1, table.next)), len(self.times))
        link.commit()
        self.times.append((began - SLACK, time.time() + SLACK))

    def require_time(self, text, transaction, what):
        moment = datetime.datetime.fromisoformat(text.split('+')[0]).replace(tzinfo=datetime.timezone.utc)
        first, last = self.times[transaction]
        require(first <= moment.timestamp() <= last,
                f"{what}: {text} is not the time of its transaction")

    def compare(self, live_from):
        for table in self.tables:
            {"soft_delete": soft_delete, "append": append, "history": history}[table.mode](
                self, table, live_from)


def plain(value):
    if isinstance(value, datetime.datetime):
        if value.tzinfo:
            value = value.astimezone(datetime.timezone.utc)
        return value.replace(tzinfo=None).isoformat(" ")
    return bytes(value).decode() if isinstance(value, (bytes, bytearray, memoryview)) else value


def later(steps, live_from):
    """How many of a key's steps came when the table was loaded."""
    return sum(1 for step in steps if step[2] >= live_from)


def soft_delete(model, table, live_from):
    rows = {row[0]: row for row in table.found(["_deleted_at"])}
    live = {key: row[:5] for key, row in rows.items() if row[5] is None}
    require(live == table.state, f"soft_delete: live {differences(live, table.state)}")
    dead = {key: row for key, row in rows.items() if row[5] is not None}
    for key, row in dead.items():
        word, last, transaction = table.steps[key][-1]
        require(word == "delete" and row[:5] == last, f"soft_delete: the dead {key} is another row")
        model.require_time(row[5], transaction, f"soft_delete: {key}")
    for key, steps in table.steps.items():
        if key not in table.state and later(steps, live_from):
            require(key in dead, f"soft_delete: {key} was deleted and is not there")
    log(f"soft_delete: {len(live)} live, {len(dead)} deleted")


def append(model, table, live_from):
    entries = {}
    found = table.found(["_operation", "_committed_at", "_position", "_ordinal"])
    for row in sorted(found, key=lambda row: (row[7] or "", row[8] or 0)):
        entries.setdefault(row[0], []).append(row)
    folded = {}
    for key, rows in entries.items():
        words = [row[5] for row in rows]
        require("load" not in words[1:], f"append: {key} was loaded behind a change: {words}")
        if words[-1] != "delete":
            folded[key] = rows[-1][:5]
        tail = [row for row in rows if row[5] != "load"]
        steps = table.steps[key]
        require(len(tail) <= len(steps), f"append: {len(tail)} entries of {key}, not {len(steps)}")
        for row, (word, image, transaction) in zip(tail, steps[len(steps) - len(tail):]):
            require((row[5], row[:5]) == (word, image), f"append: {key} has {words}")
            model.require_time(row[6], transaction, f"append: {key}")
    require(folded == table.state, f"append: folded {differences(folded, table.state)}")
    for key, steps in table.steps.items():
        tail = [row for row in entries.get(key, []) if row[5] != "load"]
        require(len(tail) >= later(steps, live_from), f"append: an entry of {key} is not there")
    log(f"append: {len(found)} entries of {len(entries)} keys")


def history(model, table, live_from):
    versions = {}
    found = table.found(["_valid_from", "_valid_to", "_from_position", "_to_position", "_ordinal"])
    for row in sorted(found, key=lambda row: (row[8] == "current", row[8], row[9])):
        versions.setdefault(row[0], []).append(row)
    current = {key: rows[-1][:5] for key, rows in versions.items() if rows[-1][6] is None}
    require(current == table.state, f"history: current {differences(current, table.state)}")
    for key, steps in table.steps.items():
        expected = []
        for word, image, transaction in steps:
            if expected and word != "insert":
                expected[-1][2] = transaction
            if word != "delete":
                expected.append([image, transaction, None])
        rows = versions.get(key, [])
        require(len(rows) <= len(expected), f"history: {len(rows)} versions of {key}")
        needed = sum(1 for version in expected if (version[2] or live_from) >= live_from)
        require(len(rows) >= needed, f"history: {len(rows)} versions of {key}, not {needed}")
        for row, (image, began, ended) in zip(rows, expected[len(expected) - len(rows):]):
            require(row[:5] == image, f"history: a version of {key} is another row")
            require((row[6] is None) == (row[8] == "current") == (ended is None),
                    f"history: a version of {key} ends otherwise")
            if row[5] is not None:
                model.require_time(row[5], began, f"history: {key}")
            if ended is not None:
                model.require_time(row[6], ended, f"history: {key}")
        require(all(row[5] is not None for row in rows[1:]), f"history: {key} has no beginning")
        require(all(a[8] <= b[7] for a, b in zip(rows, rows[1:])), f"history: {key} overlaps")
    log(f"history: {len(found)} versions of {len(versions)} keys")


def differences(found, expected):
    missing = [key for key in expected if key not in found]
    extra = [key for key in found if key not in expected]
    other = [key for key in found if key in expected and found[key] != expected[key]]
    return f"{len(found)} rows: missing {missing[:3]}, extra {extra[:3]}, other {other[:3]}"


def modes(options, target, number):
    model = Model(options, target, number)
    model.pipeline.install()
    worker = threading.Thread(target=model.traffic, args=(options.transactions,))
    run = model.pipeline.start()
    worker.start()
    for _ in range(options.kills):
        time.sleep(model.random.uniform(0.3, 1.5))
        run.must_live()
        run.kill()
        run = model.pipeline.start()
    worker.join()
    model.pipeline.wait_live(run, 60)
    live_from = len(model.times)
    worker = threading.Thread(target=model.traffic, args=(options.transactions // 2,))
    worker.start()
    time.sleep(model.random.uniform(0.3, 1.0))
    run.must_live()
    run.kill()
    worker.join()
    model.pipeline.catch_up(120)
    with model.source.connect(model.source.installer).cursor() as cursor:
        for table in model.tables:
            require(table.state == table.read(cursor), f"the proof lost track of {table.name}")
    model.compare(live_from)
    other_mode(model)
    truncate(model)
    let_go(model.source, model.target)


def held(options, target, number):
    """Each chunk's window is held open before and behind its snapshot, so that many changes fall into
    it; twice the process dies in it."""
    model = Model(options, target, number)
    is_small = model.pipeline.options["snapshot"]["chunk_rows"] < 100
    hold = {"MARTLET_HOLD": f"snapshot:{0.05 if is_small else 0.7}"}
    model.pipeline.install()
    live = threading.Event()

    def traffic():
        while not live.is_set():
            model.traffic(options.transactions // 5)

    worker = threading.Thread(target=traffic)
    worker.start()
    for hit in (20, 30) if is_small else (1, 2):
        run = model.pipeline.start(
            environment={**hold, "MARTLET_FAILPOINT": f"snapshot-taken:{hit}"})
        require(run.wait(60) == -9, f"it did not die in a window: {run.tail()}")
    run = model.pipeline.start(environment=hold)
    model.pipeline.wait_live(run, 120)
    live_from = len(model.times)
    live.set()
    worker.join()
    run.stop()
    # What comes while a chunk is copied is parked, and judged by its window.
    met = run.counters()["copying"] + run.counters()["copiedBetween"]
    require(met > (10 if is_small else 100), f"few changes met a window: {run.counters()}")
    log(f"{met} changes met a window")
    model.pipeline.catch_up(120)
    model.compare(live_from)
    let_go(model.source, model.target)


def other_mode(model):
    """Rows of one mode are not written beside those of another."""
    pipeline, rules = model.pipeline, model.pipeline.options["transforms"]
    pipeline.options["transforms"] = [{**rules[0], "mode": "append"}, *rules[1:]]
    pipeline.write("pipeline", model.source.url(model.source.capture))
    run = pipeline.start("--until-caught-up")
    code = run.wait(60)
    require(code == 2 and "differ from those it was started with" in run.tail(),
            f"with another mode run ended with {code}: {run.tail()}")
    pipeline.options["transforms"] = rules
    pipeline.write("pipeline", model.source.url(model.source.capture))
    tried = pipeline.call("transform", "--table", model.tables[0].full_name, "--limit", "5")
    require(tried.returncode == 0, f"transform: {tried.stdout}{tried.stderr}")


def truncate(model):
    """An entry of the log; no other mode takes it for an order to forget rows."""
    by_mode = {table.mode: table for table in model.tables}
    model.sql(f"TRUNCATE {by_mode['append'].full_name}")
    model.pipeline.catch_up(60)
    found = by_mode["append"].found(["_operation"])
    require([row for row in found if row[5] == "truncate"] == [(None,) * 5 + ("truncate",)],
            "the TRUNCATE is no entry of the log")
    before = sorted(map(repr, by_mode["soft_delete"].found(["_deleted_at"])))
    model.sql(f"TRUNCATE {by_mode['soft_delete'].full_name}")
    run = model.pipeline.start("--until-caught-up")
    code = run.wait(60)
    require(code not in (0, None) and "mode soft_delete keeps the rows" in run.text(),
            f"after a TRUNCATE run ended with {code}: {run.tail()}")
    require(sorted(map(repr, by_mode["soft_delete"].found(["_deleted_at"]))) == before,
            "a TRUNCATE changed a table that keeps its rows")


def refused(options, target):
    """What a mode cannot be right with is named by `check`, and `run` does not begin."""
    source, target = make_source(options.source), make_target(target)
    table = f"{source.schema}.kept"
    source.query(f"CREATE TABLE {table} (id int PRIMARY KEY, name varchar(40))", source.installer)
    is_postgresql = source.engine == "postgresql"
    mode, word = (("soft_delete", "REPLICA IDENTITY FULL") if is_postgresql
                  else ("history", "mode: append"))
    pipeline = Pipeline(source, target, {"transforms": [{"table": table, "mode": mode}]})
    pipeline.call("check", "--install", path=pipeline.install_path)
    found = pipeline.call("check")
    require(found.returncode == 3 and word in found.stdout + found.stderr,
            f"check ended with {found.returncode}: {found.stdout}{found.stderr}")
    run = pipeline.start("--until-caught-up")
    require(run.wait(60) == 3, f"run: {run.tail()}")
    planned = pipeline.call("plan")
    require(f"mode: {mode}" in planned.stdout, f"plan: {planned.stdout}{planned.stderr}")
    let_go(source, target)


def new_column(options, target):
    """`new_columns: stop`: nothing of a column that nobody masked comes through."""
    source, target = make_source(options.source), make_target(target)
    table = f"{source.schema}.kept"
    source.query(f"CREATE TABLE {table} (id int PRIMARY KEY, name varchar(40))", source.installer)
    source.query(f"INSERT INTO {table} VALUES (1, 'a')", source.installer)
    pipeline = Pipeline(source, target, {"transforms": [
        {"table": table, "mask": {"name": "sha256"}, "new_columns": "stop"}]})
    pipeline.install()
    pipeline.catch_up(60)
    source.query(f"ALTER TABLE {table} ADD phone varchar(40)", source.installer)
    source.query(f"INSERT INTO {table} VALUES (2, 'b', '0221')", source.installer)
    for _ in range(2):
        run = pipeline.start("--until-caught-up")
        code = run.wait(60)
        require(code not in (0, None), f"with a new column run ended with {code}: {run.tail()}")
        log(f"exit {code}: {run.tail(3)}")
    found = target.query(f"SELECT * FROM {pipeline.target_name('kept')}")
    require([len(row) for row in found] == [2], f"{len(found)} rows came through")
    let_go(source, target)


if __name__ == "__main__":
    chosen = arguments(__doc__, rounds=2, transactions=1500, kills=2)
    proof = Proof()
    for turn in range(chosen.rounds):
        for end in dict.fromkeys((chosen.target, "sqlite")):
            proof.check(f"modes {turn}: {chosen.source} to {end}", modes, chosen, end, turn)
            proof.check(f"held {turn}: {chosen.source} to {end}", held, chosen, end, turn)
    proof.check(f"refused: {chosen.source}", refused, chosen, chosen.target)
    proof.check(f"new column: {chosen.source}", new_column, chosen, chosen.target)
    proof.end()
