"""A seeded random workload with an invariant and an audit row per transaction, in PostgreSQL's SQL.

workload_mysql.py has the same in MySQL's, workloads.py chooses.

Several sessions write at once: inserts, updates, deletes, key changes, savepoints rolled back, large
transactions that stream, empty and rolled-back ones, unique values swapped, cascades, rows that
change their partition, TOAST values left as they are. With a `Frontier` the rows are chosen near
the place where the initial load is at that moment: that is where it can go wrong.

On a server with synchronous_standby_names = 'nobody' (and synchronous_commit = local by default)
some sessions commit with synchronous_commit = on: their commit is in the log, and read by others, long
before it is visible to a snapshot (P36). `Release` lets them go after a random while.

Invariant: sum of bank_accounts.balance + sum of bank_ledger.total = 0, in every commit.
"""

import random
import threading
import time
from dataclasses import dataclass

import psycopg2

LEDGERS = 20
# Upper and lower case, accents, punctuation: "C" and ICU order them differently.
LETTERS = "aAbBcCzZäÄßéÉ_-.0123456789"


@dataclass
class Sizes:
    accounts: int = 20_000
    rows: int = 5_000
    truncated: int = 8_000
    large: int = 1_500


SMALL = Sizes(accounts=4_000, rows=1_000, truncated=2_000, large=800)
MIDDLE = Sizes()


@dataclass
class Table:
    """A table with a key: how a new key looks and what an update changes."""

    name: str
    key: tuple
    new_key: object
    values: object
    columns: str
    update: object


def text(value):
    return "'" + value.replace("'", "''") + "'"


def word(rng, length):
    return "".join(rng.choice(LETTERS) for _ in range(length))


TABLES = [
    Table("names", ("name",), lambda r, n: text(word(r, 8)),
          lambda r: str(r.randint(0, 999)), "v", lambda r: f"v = {r.randint(0, 999)}"),
    Table("composites", ("a", "b"),
          lambda r, n: f"{r.randint(1, 200)}, {text(word(r, 5))}",
          lambda r: str(r.randint(0, 999)), "v", lambda r: f"v = {r.randint(0, 999)}"),
    Table("identifiers", ("id",), lambda r, n: f"'{r.getrandbits(128):032x}'::uuid",
          lambda r: text(word(r, 20)), "v", lambda r: f"v = {text(word(r, 20))}"),
    Table("numerics", ("id",), lambda r, n: f"{r.randint(-n * 4, n * 4)}.{r.randint(0, 9999):04}",
          lambda r: text(word(r, 20)), "v", lambda r: f"v = {text(word(r, 20))}"),
    Table("toasted", ("id",), lambda r, n: str(r.randint(1, n * 4)),
          lambda r: f"repeat({text(word(r, 6))}, 500), {r.randint(0, 9)}", "big, small",
          lambda r: (f"small = {r.randint(0, 999)}" if r.random() < 0.8 else
                     f"big = repeat({text(word(r, 6))}, {r.randint(1, 800)})")),
    Table("instants", ("at",),
          lambda r, n: f"'2020-01-01 00:00:00+00'::timestamptz + {r.randint(0, n * 50)} * "
                       "interval '1.000003 s'",
          lambda r: text(word(r, 4)), "v", lambda r: f"v = {text(word(r, 4))}"),
    Table("truncated", ("id",), lambda r, n: str(r.randint(1, n * 4)),
          lambda r: text(word(r, 10)), "v", lambda r: f"v = {text(word(r, 10))}"),
]

# Values that are easily lost on the way. '' is not NULL, 1.10 is not 1.1.
SPECIAL = [
    "true", "-32768", "9223372036854775807", "'NaN'::numeric", "1.10::numeric",
    "1e30::numeric", "'-0'::float8", "5e-324::float8", "0.1::float4", "'infinity'::float4",
]

SCHEMA = """
CREATE TABLE lab.audit (tx bigint PRIMARY KEY, session int NOT NULL, kind text NOT NULL,
  xid bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint);
CREATE TABLE lab.audit_keyless (tx bigint NOT NULL, kind text);
ALTER TABLE lab.audit_keyless REPLICA IDENTITY FULL;
CREATE TABLE lab.bank_accounts (id bigint PRIMARY KEY, branch int NOT NULL, balance bigint NOT NULL,
  note text);
CREATE TABLE lab.bank_ledger (id int PRIMARY KEY, total bigint NOT NULL);
CREATE TABLE lab.names (name text COLLATE "de-x-icu" PRIMARY KEY, v int);
CREATE TABLE lab.composites (a int, b text COLLATE "C", v int, PRIMARY KEY (a, b));
CREATE TABLE lab.identifiers (id uuid PRIMARY KEY, v text);
CREATE TABLE lab.numerics (id numeric(20, 4) PRIMARY KEY, v text);
CREATE TABLE lab.toasted (id int PRIMARY KEY, big text, small int);
ALTER TABLE lab.toasted ALTER big SET STORAGE EXTERNAL;
CREATE TABLE lab.instants (at timestamptz PRIMARY KEY, v text);
CREATE TABLE lab.truncated (id int PRIMARY KEY, v text);
CREATE TABLE lab.duplicates (a int, b text) WITH (fillfactor = 10);
ALTER TABLE lab.duplicates REPLICA IDENTITY FULL;
CREATE TABLE lab.uniques (id int PRIMARY KEY, k int NOT NULL UNIQUE, was int);
CREATE TABLE lab.swaps (id int PRIMARY KEY, k int UNIQUE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE lab.parents (id int PRIMARY KEY, v text);
CREATE TABLE lab.parent_children (id int PRIMARY KEY,
  parent int NOT NULL REFERENCES lab.parents ON DELETE CASCADE ON UPDATE CASCADE, v text);
CREATE TABLE lab.partitions (id int, region int, v text, PRIMARY KEY (id, region))
  PARTITION BY RANGE (region);
CREATE TABLE lab.partitions_low PARTITION OF lab.partitions FOR VALUES FROM (0) TO (10);
CREATE TABLE lab.partitions_high PARTITION OF lab.partitions FOR VALUES FROM (10) TO (20);
CREATE TABLE lab.products (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  price numeric(10, 2), quantity int, cost numeric GENERATED ALWAYS AS (price * quantity) STORED);
CREATE TABLE lab.kinds (id int PRIMARY KEY, yes boolean, small smallint, big bigint, num numeric,
  single real, double double precision, day date, moment timestamp, span interval, bits bit(5),
  raw bytea, doc json, docb jsonb, list text[], net inet, short char(5), empty text);
"""

# The target's own column numbers the transactions in the order in which they came.
ARRIVAL = {"postgresql": "bigint GENERATED ALWAYS AS IDENTITY",
           **dict.fromkeys(("mysql", "mariadb"), "bigint AUTO_INCREMENT UNIQUE")}


def fill_sql(sizes):
    n = sizes.rows
    series = "FROM generate_series(1, {}) AS g"
    word_of = "md5(g::text)"
    return f"""
INSERT INTO lab.bank_accounts SELECT g * 2, g % 10, 0, repeat('n', g % 40)
  {series.format(sizes.accounts)};
INSERT INTO lab.bank_ledger SELECT g, 0 {series.format(LEDGERS)};
INSERT INTO lab.names SELECT substr('aAbBzZäÄßé', 1 + g % 10, 1) || substr({word_of}, 1, 7), g
  {series.format(n)} ON CONFLICT DO NOTHING;
INSERT INTO lab.composites SELECT g % 200, substr({word_of}, 1, 5), g {series.format(n)}
  ON CONFLICT DO NOTHING;
INSERT INTO lab.identifiers SELECT md5(g::text)::uuid, 'v' || g {series.format(n)};
INSERT INTO lab.numerics SELECT (g - {n} / 2) * 2.5001, 'v' || g {series.format(n)};
INSERT INTO lab.toasted SELECT g * 2, repeat(substr({word_of}, 1, 6), 500), g {series.format(n)};
INSERT INTO lab.instants SELECT '2020-01-01 00:00:00+00'::timestamptz + g * interval '37.000001 s',
  'v' || g {series.format(n)};
INSERT INTO lab.truncated SELECT g * 2, {word_of} {series.format(sizes.truncated)};
INSERT INTO lab.duplicates SELECT g % 50, 'd' || g % 5 {series.format(n // 4)};
INSERT INTO lab.uniques SELECT g * 2, g {series.format(sizes.accounts)};
INSERT INTO lab.swaps SELECT g, g {series.format(n // 4)};
INSERT INTO lab.parents SELECT g, 'p' || g {series.format(n // 4)};
INSERT INTO lab.parent_children SELECT g, 1 + g % ({n} / 4), 'c' || g {series.format(n)};
INSERT INTO lab.partitions SELECT g, g % 20, 'v' || g {series.format(n)};
INSERT INTO lab.products (price, quantity) SELECT g * 1.10, g % 7 {series.format(n // 4)};
INSERT INTO lab.kinds VALUES
 (1, true, -32768, 9223372036854775807, 'NaN', 'infinity', '-0', 'infinity', '-infinity',
  '1 year -2 days 03:04:05.678901', b'10101', '\\x00ff0a5c', '{{"b": 1,  "a":1,"a":2}}',
  '{{"b":1,"a":2}}', '[0:1]={{NULL,"NULL"}}', '10.0.0.1/8', 'ab', ''),
 (2, false, 32767, -9223372036854775808, 1.10, 0.1, 5e-324, '0044-03-15 BC', '294276-12-31 23:59:59',
  '-1 day', b'00000', '', '[]', '"\\u00e9\\n\\t"', '{{"a b","c,d","{{}}","\\"","\\\\"}}',
  '::1', '     ', E'tab\\t newline\\n return\\r backslash\\\\ quote\\' \\\\N'),
 (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  NULL);
ANALYZE;
"""


def audit(number, session, kind, schema="lab."):
    """The first and the last statement of each transaction."""
    return (f"INSERT INTO {schema}audit (tx, session, kind) VALUES ({number}, {session}, '{kind}')",
            f"INSERT INTO {schema}audit_keyless VALUES ({number}, '{kind}')")


# What the target's types do not hold is refused by name (A37); the bounds of what they hold are here.
IN_RANGE_OF_MYSQL = {
    "'NaN', 'infinity', '-0', 'infinity', '-infinity',":
        "'NaN', '3.4028235e38', '-0', '9999-12-31', '1000-01-01',",
    "'0044-03-15 BC', '294276-12-31 23:59:59'": "'1000-01-01', '9999-12-31 23:59:59.999999'",
}
OUT_OF_RANGE = {
    "mysql": IN_RANGE_OF_MYSQL,
    # It has no -0: whatever is written, 0 is stored.
    "mariadb": {**IN_RANGE_OF_MYSQL, "'3.4028235e38', '-0',": "'3.4028235e38', '1e-300',"},
}


class Frontier:
    """Where the load of each keyed table is: the greatest key at the target, polled."""

    def __init__(self, target, tables, literal):
        self.target, self.literal, self.keys, self.moved = target, literal, {}, {}
        self.polled = [("bank_accounts", ("id",)), ("uniques", ("id",)),
                       *((table.name, table.key) for table in tables)]
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.poll, name="frontier", daemon=True)

    def start(self):
        self.thread.start()

    def stop(self):
        self.stopped.set()
        if self.thread.is_alive():
            self.thread.join()

    def poll(self):
        link = None
        while not self.stopped.wait(0.01):
            try:
                link = link or self.target.connect()
                for table, key in self.polled:
                    self.look(link, table, key)
            except self.target.Error:
                # Tables that are not there yet, and servers that are restarted.
                link = None

    def look(self, link, table, key):
        row = self.target.greatest(link, table, key)
        at = ", ".join(self.literal(value) for value in row) if row else None
        if at is not None and at != self.keys.get(table):
            self.moved[table] = time.monotonic()
        self.keys[table] = at

    def loading(self):
        """The tables whose frontier has just moved: mostly those that are being copied now."""
        now = time.monotonic()
        return [table for table, at in list(self.moved.items()) if now - at < 0.5]


class Release:
    """Lets commits go that wait for a standby which does not exist, each after a random while."""

    def __init__(self, source, seed, longest=0.4):
        self.source, self.longest = source, longest
        self.rng = random.Random(f"{seed}:release")
        self.stopped = threading.Event()
        self.released = 0
        self.thread = threading.Thread(target=self.watch, name="release", daemon=True)

    def start(self):
        self.thread.start()

    def stop(self):
        self.stopped.set()
        if self.thread.is_alive():
            self.thread.join()

    def watch(self):
        link, until = None, {}
        while not self.stopped.is_set():
            try:
                link = link or self.source.connect()
                with link.cursor() as cursor:
                    cursor.execute(
                        "SELECT pid, backend_xid::text, clock_timestamp()::text FROM "
                        "pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = "
                        f"'{self.source.name}'")
                    waiting = {(row[0], row[1]) for row in cursor.fetchall()}
                    now = time.monotonic()
                    until = {who: until.get(who) or now + self.rng.uniform(0, self.longest)
                             for who in waiting}
                    for pid, _ in [who for who in waiting if until[who] <= now]:
                        cursor.execute(f"SELECT pg_cancel_backend({pid})")
                        self.released += 1
            except self.source.Error:
                link = None
            time.sleep(0.01)


class Session(threading.Thread):
    tables, audit = TABLES, staticmethod(audit)

    def __init__(self, workload, number, hangs=False):
        super().__init__(name=f"session-{number}", daemon=True)
        self.workload, self.number, self.hangs = workload, number, hangs
        self.rng = random.Random(f"{workload.seed}:{number}")
        self.sizes = workload.sizes
        self.counts, self.error, self.made = {}, None, 0
        weights = [(self.transfer, 30), (self.open_account, 4), (self.close_account, 3),
                   (self.move_account, 10), (self.change_rows, 30), (self.change_key, 12),
                   (self.sweep, 6), (self.move_large_value, 4),
                   (self.savepoints, 5), (self.keyless, 4), (self.swap, 3), (self.hand_over, 8),
                   (self.family, 4),
                   (self.move_partition, 4), (self.product, 2), (self.kind, 2),
                   (self.large, 1), (self.rolled_back, 3), (self.empty, 3)]
        self.kinds = [kind for kind, _ in weights]
        self.weights = [weight for _, weight in weights]

    # ---- Choosing rows ----

    def table(self):
        """Mostly one that is being copied at this moment."""
        loading = self.workload.frontier.loading()
        if self.rng.random() < 0.7:
            hot = [table for table in self.tables if table.name in loading]
            if hot:
                return self.rng.choice(hot)
        return self.rng.choice(self.tables)

    def near(self, table, key):
        """SQL for the key of an existing row, mostly near the load's frontier."""
        listed = ", ".join(key)
        at = self.workload.frontier.keys.get(table)
        rng = self.rng
        if at is None or rng.random() < 0.2:
            made = next((t.new_key for t in TABLES if t.name == table), None)
            at = made(rng, self.size(table)) if made else str(rng.randint(1, self.size(table) * 2))
        sign, order = rng.choice([(">", "ASC"), (">", "ASC"), (">", "ASC"), ("<=", "DESC")])
        offset = rng.choice([rng.randint(0, 60), rng.randint(0, 120), rng.randint(0, 400)])
        by = ", ".join(f"{column} {order}" for column in key)
        return (f"({listed}) = (SELECT {listed} FROM lab.{table} WHERE ({listed}) {sign} ({at}) "
                f"ORDER BY {by} OFFSET {offset} LIMIT 1)")

    def size(self, table):
        return {"bank_accounts": self.sizes.accounts, "uniques": self.sizes.accounts,
                "truncated": self.sizes.truncated}.get(table, self.sizes.rows)

    # ---- Transactions: each returns its statements ----

    def transfer(self):
        amount, ledger = self.rng.randint(-500, 500), self.rng.randint(1, LEDGERS)
        return [f"WITH moved AS (UPDATE lab.bank_accounts SET balance = balance - {amount} WHERE "
                f"{self.near('bank_accounts', ('id',))} RETURNING 1) UPDATE lab.bank_ledger SET "
                f"total = total + {amount} WHERE id = {ledger} AND EXISTS (SELECT FROM moved)"]

    def open_account(self):
        return [f"INSERT INTO lab.bank_accounts VALUES ({self.account_number()}, 1, 0, 'new') "
                "ON CONFLICT DO NOTHING"]

    def close_account(self):
        ledger = self.rng.randint(1, LEDGERS)
        return [f"WITH gone AS (DELETE FROM lab.bank_accounts WHERE "
                f"{self.near('bank_accounts', ('id',))} RETURNING balance) UPDATE lab.bank_ledger "
                f"SET total = total + (SELECT balance FROM gone) WHERE id = {ledger} AND "
                "EXISTS (SELECT FROM gone)"]

    def account_number(self):
        """Odd numbers are free at first. Near the frontier, on either side, or anywhere."""
        at = self.workload.frontier.keys.get("bank_accounts")
        if at is None or self.rng.random() < 0.3:
            return str(self.rng.randint(0, self.sizes.accounts) * 2 + 1)
        return f"{at}::bigint / 2 * 2 + 1 + {self.rng.randint(-300, 300) * 2}"

    def move_account(self):
        new = self.account_number()
        return [f"UPDATE lab.bank_accounts SET id = {new} WHERE "
                f"{self.near('bank_accounts', ('id',))} AND NOT EXISTS "
                f"(SELECT FROM lab.bank_accounts WHERE id = {new})"]

    def change_rows(self):
        statements = []
        for _ in range(self.rng.randint(1, 4)):
            table = self.table()
            action = self.rng.random()
            if action < 0.25:
                statements.append(
                    f"INSERT INTO lab.{table.name} ({', '.join(table.key)}, {table.columns}) VALUES "
                    f"({table.new_key(self.rng, self.size(table.name))}, {table.values(self.rng)}) "
                    "ON CONFLICT DO NOTHING")
            elif action < 0.45:
                statements.append(f"DELETE FROM lab.{table.name} WHERE "
                                  f"{self.near(table.name, table.key)}")
            else:
                statements.append(f"UPDATE lab.{table.name} SET {table.update(self.rng)} WHERE "
                                  f"{self.near(table.name, table.key)}")
        return statements

    def change_key(self):
        table = self.table()
        new = table.new_key(self.rng, self.size(table.name))
        listed = ", ".join(table.key)
        also = f", {table.update(self.rng)}" if self.rng.random() < 0.3 else ""
        assigned = f"({listed}) = ROW({new})" if len(table.key) > 1 else f"{listed} = {new}"
        return [f"UPDATE lab.{table.name} SET {assigned}{also} WHERE "
                f"{self.near(table.name, table.key)} AND NOT EXISTS "
                f"(SELECT FROM lab.{table.name} WHERE ({listed}) = ({new}))"]

    def savepoints(self):
        return [*self.change_rows(), "SAVEPOINT one", *self.change_rows(), *self.transfer(),
                "SAVEPOINT two", *self.change_rows(), "ROLLBACK TO one", *self.change_key(),
                "SAVEPOINT three", *self.change_rows(), "RELEASE three"]

    def sweep(self):
        """Many rows at the frontier at once: some of them are being copied, or just closed."""
        table = self.table()
        listed = ", ".join(table.key)
        at = self.workload.frontier.keys.get(table.name)
        if at is None:
            return self.change_rows()
        return [f"UPDATE lab.{table.name} SET {table.update(self.rng)} WHERE ({listed}) IN (SELECT "
                f"{listed} FROM lab.{table.name} WHERE ({listed}) > ({at}) ORDER BY {listed} OFFSET "
                f"{self.rng.choice([0, 0, 25, 50, 100])} LIMIT {self.rng.randint(5, 50)})"]

    def move_large_value(self):
        """From what is not copied yet to what is, with a value that the log does not send."""
        at = self.workload.frontier.keys.get("toasted")
        if at is None:
            return self.change_key()
        new = f"(({at})::int - {self.rng.randint(1, 200)} * 2 - 1)"
        return [f"UPDATE lab.toasted SET id = {new} WHERE id = (SELECT id FROM lab.toasted WHERE id > "
                f"{at} ORDER BY id OFFSET {self.rng.randint(100, 300)} LIMIT 1) AND NOT EXISTS (SELECT "
                f"FROM lab.toasted WHERE id = {new})"]

    def keyless(self):
        a, b = self.rng.randint(0, 49), f"'d{self.rng.randint(0, 4)}'"
        one = f"ctid = (SELECT ctid FROM lab.duplicates WHERE a = {a} LIMIT 1)"
        return [self.rng.choice([
            f"INSERT INTO lab.duplicates VALUES ({a}, {b}), ({a}, {b})",
            f"INSERT INTO lab.duplicates VALUES ({a}, NULL)",
            f"DELETE FROM lab.duplicates WHERE {one}",
            f"UPDATE lab.duplicates SET b = {b} WHERE {one}"])]

    def swap(self):
        first = self.rng.randint(1, self.sizes.rows // 4 - 1)
        return [f"UPDATE lab.swaps SET k = CASE id WHEN {first} THEN (SELECT k FROM lab.swaps WHERE "
                f"id = {first + 1}) ELSE (SELECT k FROM lab.swaps WHERE id = {first}) END "
                f"WHERE id IN ({first}, {first + 1})"]

    def hand_over(self):
        """Unique values go from row to row: in one transaction, in several, with the row's key."""
        fresh = -(self.number * 1_000_000 + self.made)
        first, second = self.near("uniques", ("id",)), self.near("uniques", ("id",))
        give = f"UPDATE lab.uniques SET was = k, k = {fresh} WHERE {first}"
        free = ("(SELECT was FROM lab.uniques u WHERE was IS NOT NULL AND NOT EXISTS (SELECT "
                "FROM lab.uniques o WHERE o.k = u.was) LIMIT 1)")
        take = f"UPDATE lab.uniques SET k = {free} WHERE {second} AND {free} IS NOT NULL"
        key = self.rng.randint(0, self.sizes.accounts) * 2 + 1
        return self.rng.choice([
            [give], [give], [take], [take], [give, take], [give, take, give.replace(str(fresh), free)],
            [f"WITH gone AS (DELETE FROM lab.uniques WHERE {first} RETURNING k) INSERT INTO lab.uniques "
             f"SELECT {key}, {fresh}, k FROM gone WHERE NOT EXISTS (SELECT FROM lab.uniques WHERE id = "
             f"{key})"],
            [f"UPDATE lab.uniques SET id = {key} WHERE {first} AND NOT EXISTS (SELECT FROM lab.uniques "
             f"WHERE id = {key})"]])

    def family(self):
        parent = self.rng.randint(1, self.sizes.rows // 4)
        child = self.rng.randint(self.sizes.rows + 1, 100_000_000)
        return self.rng.choice([
            [f"INSERT INTO lab.parents VALUES ({parent + 1_000_000}, 'new') ON CONFLICT DO NOTHING",
             f"INSERT INTO lab.parent_children VALUES ({child}, {parent + 1_000_000}, 'new')"],
            [f"DELETE FROM lab.parents WHERE id = {parent}"],
            [f"UPDATE lab.parents SET id = id + 2000000 WHERE id = {parent + 1}"],
            [f"INSERT INTO lab.parent_children SELECT {child}, id, 'more' FROM lab.parents "
             f"WHERE id = {parent}"]])

    def move_partition(self):
        row = self.rng.randint(1, self.sizes.rows)
        return self.rng.choice([
            [f"UPDATE lab.partitions SET region = (region + 10) % 20 WHERE id = {row}"],
            [f"UPDATE lab.partitions SET v = 'u' WHERE id = {row}"],
            [f"DELETE FROM lab.partitions WHERE id = {row}",
             f"INSERT INTO lab.partitions VALUES ({row}, {self.rng.randint(0, 19)}, 'again')"]])

    def product(self):
        return [self.rng.choice([
            f"INSERT INTO lab.products (price, quantity) VALUES ({self.rng.randint(1, 999)}.10, 3)",
            f"UPDATE lab.products SET quantity = {self.rng.randint(0, 9)} WHERE id = "
            f"{self.rng.randint(1, self.sizes.rows // 4)}"])]

    def kind(self):
        number = self.rng.randint(4, 60)
        return [f"INSERT INTO lab.kinds SELECT {number}, yes, small, big, num, single, double, day, "
                "moment, span, bits, raw, doc, docb, list, net, short, empty FROM lab.kinds WHERE "
                f"id = {self.rng.randint(1, 3)} ON CONFLICT (id) DO UPDATE SET double = "
                f"{self.rng.random()}, raw = '\\x{self.rng.getrandbits(64):016x}', yes = NOT "
                f"kinds.yes, num = {self.rng.randint(0, 9)}.{self.rng.randint(0, 9)}0"]

    def large(self):
        """More than logical_decoding_work_mem: it streams before it commits."""
        count = self.sizes.large
        start = self.rng.randint(1, max(1, self.sizes.accounts * 2 - count))
        base = (self.number * 1000 + self.made % 1000) * 100_000 + 10_000_000
        return [f"UPDATE lab.bank_accounts SET note = 'l' || {self.made} WHERE id BETWEEN {start} "
                f"AND {start + count}", "SAVEPOINT one",
                f"INSERT INTO lab.truncated SELECT {base} + g, 'undone' FROM generate_series(1, "
                f"{count // 2}) g ON CONFLICT DO NOTHING", "ROLLBACK TO one",
                f"INSERT INTO lab.truncated SELECT {base} + g, 'large' FROM generate_series(1, "
                f"{count // 4}) g ON CONFLICT DO NOTHING", "SAVEPOINT two",
                f"DELETE FROM lab.truncated WHERE id BETWEEN {base} + 10 AND {base} + {count // 4}"]

    def rolled_back(self):
        return [*self.change_rows(), *self.transfer(), "ROLLBACK"]

    def empty(self):
        return ["SELECT pg_current_xact_id()", "COMMIT"]

    # ---- Running ----

    def run(self):
        link = None
        while not self.workload.stopped.is_set():
            try:
                link = link or self.connect()
                self.step(link)
            except Exception as error:
                fate = self.fate(error, link)
                if fate == "aborted":
                    self.undo(link)
                elif fate == "lost":
                    link = None
                    self.count("connection lost")
                    time.sleep(0.1)
                else:
                    self.error = repr(error)
                    return

    def connect(self):
        options = "-c lock_timeout=2s " + ("-c synchronous_commit=on" if self.hangs else "")
        return self.workload.source.connect(self.workload.source.installer, options=options)

    def fate(self, error, link):
        """What an error means: `aborted` and `lost` are made up for, anything else is a defect."""
        if not isinstance(error, psycopg2.Error):
            return None
        code = error.pgcode or ""
        if link is None or link.closed:
            return "lost"  # whatever class the error has
        if isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError)):
            return "aborted" if code else "lost"
        # Unique and foreign keys hit by two sessions at once: an aborted transaction.
        return "aborted" if code[:2] in ("23", "40", "55", "57") else None

    def undo(self, link):
        self.count("aborted")
        try:
            self.send(link, ["ROLLBACK"])
        except self.workload.source.Error:
            link.close()

    def send(self, link, statements):
        with link.cursor() as cursor:
            cursor.execute("; ".join(statements))

    def step(self, link):
        kind = self.rng.choices(self.kinds, self.weights)[0]
        if "uniques" in self.workload.frontier.loading() and self.rng.random() < 0.5:
            kind = self.hand_over
        body = kind()
        self.made += 1
        if body[-1] not in ("ROLLBACK", "COMMIT"):
            first, last = self.audit(self.transaction_number(), self.number, kind.__name__)
            body = [first, *body, last, "COMMIT"]
        self.send(link, ["BEGIN", *body])
        self.count(kind.__name__)
        if self.workload.pause:
            time.sleep(self.workload.pause)

    def transaction_number(self):
        return self.number * 1_000_000_000 + self.made

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1


class Workload:
    session = Session
    literal = staticmethod(text)
    target_audit = ("tx bigint PRIMARY KEY, session int NOT NULL, kind text NOT NULL, "
                    "xid bigint NOT NULL")

    def __init__(self, source, target, seed, sizes=MIDDLE, sessions=4, hanging=0, pause=0):
        self.source, self.target, self.seed, self.sizes = source, target, seed, sizes
        self.pause = pause
        self.frontier = Frontier(target, self.session.tables, self.literal)
        self.release = Release(source, seed)
        self.stopped = threading.Event()
        self.sessions = [self.session(self, number + 1) for number in range(sessions)]
        self.sessions += [self.session(self, sessions + number + 1, hangs=True)
                          for number in range(hanging)]
        self.truncates = 0

    def prepare(self, existing="none"):
        """Tables and first rows at the source; the audit table at a server. `existing`: tables with
        unique keys are there as well; for `truncate`, with other rows."""
        self.fill()
        if self.target.engine != "sqlite":
            self.target.query(
                f"CREATE TABLE {self.target.schema}.audit ({self.target_audit}, "
                f"arrival {ARRIVAL[self.target.engine]})", self.target.apply)
        if existing != "none":
            self.make_existing(with_rows=existing == "truncate")

    def fill(self):
        self.source.query(SCHEMA, self.source.installer)
        sql = fill_sql(self.sizes)
        for wild, tame in OUT_OF_RANGE.get(self.target.engine, {}).items():
            sql = sql.replace(wild, tame)
        self.source.query(sql)

    def make_existing(self, with_rows):
        engine = self.target.engine
        for name, more in [("uniques", ", was integer"), ("swaps", "")]:
            place = (f"{self.source.schema}_{name}" if engine == "sqlite"
                     else f"{self.target.schema}.{name}")
            # As the source has it; only PostgreSQL can defer.
            unique = "UNIQUE DEFERRABLE" if name == "swaps" and engine == "postgresql" else "UNIQUE"
            sql = (f"CREATE TABLE {place} (id integer PRIMARY KEY, k integer {unique}{more})"
                   + (" STRICT;" if engine == "sqlite" else ";"))
            if with_rows:
                sql += (f"INSERT INTO {place} (id, k) WITH RECURSIVE n(g) AS (SELECT 1 UNION ALL "
                        "SELECT g + 1 FROM n WHERE g < 500) SELECT g, 100000 - g FROM n;")
            if engine == "sqlite":
                self.target.write(sql)
            else:
                self.target.query(sql, self.target.apply)

    def start(self):
        self.frontier.start()
        self.release.start()
        for session in self.sessions:
            session.start()

    def truncate(self):
        """Empties a table and fills it again, as two transactions with audit rows of their own."""
        self.truncates += 1
        number = 900_000_000_000 + self.truncates * 2
        rows = self.sizes.truncated // 4
        link = self.source.connect(self.source.installer, options="-c lock_timeout=10s")
        first, last = audit(number, 0, "truncate")
        self.sessions[0].send(link, [
            "BEGIN", "TRUNCATE lab.truncated", "INSERT INTO lab.truncated SELECT g, 'after' FROM "
            "generate_series(1, 10) g", first, last, "COMMIT"])
        first, last = audit(number + 1, 0, "refill")
        self.sessions[0].send(link, [
            "BEGIN", "INSERT INTO lab.truncated SELECT g * 2, 'refilled' FROM generate_series(1, "
            f"{rows}) g ON CONFLICT DO NOTHING", first, last, "COMMIT"])
        link.close()

    def truncated_is_loading(self):
        """The load is inside the table that gets truncated: some rows are in, not nearly all."""
        at = self.frontier.keys.get("truncated")
        try:
            return at is not None and int(at.strip("'")) < self.sizes.truncated
        except ValueError:
            return False

    def stop(self):
        """Ends the sessions; everything they committed is visible afterwards."""
        self.stopped.set()
        for session in self.sessions:
            session.join()
        self.release.stop()
        self.frontier.stop()
        for session in self.sessions:
            if session.error:
                raise RuntimeError(f"{session.name}: {session.error}")

    def abandon(self):
        """Nothing is to come any more; connections end with their databases."""
        for part in (self, self.release, self.frontier):
            part.stopped.set()

    def counts(self):
        total = {"truncate": self.truncates, "released late": self.release.released}
        for session in self.sessions:
            for name, count in session.counts.items():
                total[name] = total.get(name, 0) + count
        return dict(sorted(total.items()))

    def balance(self):
        """0 in every commit."""
        return self.source.value(
            f"SELECT (SELECT sum(balance) FROM {self.source.schema}.bank_accounts) + "
            f"(SELECT sum(total) FROM {self.source.schema}.bank_ledger)")
