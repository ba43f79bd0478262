"""The workload of workload.py in the SQL of MySQL and MariaDB.

What PostgreSQL has and they do not is left out (partial images, streamed transactions, deferred
constraints); what only they have is added: unsigned, binary and case-insensitive keys, REPLACE,
updates of two tables at once, foreign keys whose actions are not in the log (B33). Half of the
sessions read committed rows, the others have the default isolation. Rows are chosen first, without
locks, into user variables: @k1 and @k2 are NULL when there is none, and then nothing is changed.
"""

import time

import pymysql

import workload
from ends.mysql import execute
from workload import LEDGERS, Table, text, word

LARGEST = 2**64 - 1
# A DELETE without foreign keys, whatever becomes of it: MariaDB's words, and MySQL's.
UNCHECKED = ("/*M! SET STATEMENT foreign_key_checks = 0 FOR */ DELETE "
             "/*+ SET_VAR(foreign_key_checks = 0) */")
# Servers have defaults of their own.
COLLATION = "COLLATE utf8mb4_bin"


def binary(rng, length):
    return f"x'{rng.getrandbits(8 * length):0{2 * length}x}'"


def unsigned(rng, count):
    """Small ones, and ones that a signed number does not hold."""
    number = rng.randint(0, count * 4)
    return str(number if rng.random() < 0.5 else LARGEST - number)


def owner(rng):
    """One that is there, found when the statement runs."""
    return f"(SELECT id FROM owners WHERE id >= {rng.randint(1, 300)} ORDER BY id LIMIT 1)"


TABLES = [
    Table("names", ("name",), lambda r, n: text(word(r, 8)),
          lambda r: str(r.randint(0, 999)), "v", lambda r: f"v = {r.randint(0, 999)}"),
    Table("composites", ("a", "b"),
          lambda r, n: f"{r.randint(1, 200)}, {text(word(r, 5))}",
          lambda r: str(r.randint(0, 999)), "v", lambda r: f"v = {r.randint(0, 999)}"),
    Table("unsigneds", ("id",), unsigned,
          lambda r: text(word(r, 20)), "v", lambda r: f"v = {text(word(r, 20))}"),
    Table("binaries", ("id",), lambda r, n: binary(r, r.randint(1, 16)),
          lambda r: text(word(r, 20)), "v", lambda r: f"v = {text(word(r, 20))}"),
    # Zeros at the end are not in the log (B47).
    Table("padded", ("id",), lambda r, n: f"x'{r.randint(0, n * 4):04x}'",
          lambda r: text(word(r, 20)), "v", lambda r: f"v = {text(word(r, 20))}"),
    Table("numerics", ("id",), lambda r, n: f"{r.randint(-n * 4, n * 4)}.{r.randint(0, 9999):04}",
          lambda r: text(word(r, 20)), "v", lambda r: f"v = {text(word(r, 20))}"),
    Table("large_values", ("id",), lambda r, n: str(r.randint(1, n * 4)),
          lambda r: f"repeat({text(word(r, 6))}, 500), {r.randint(0, 9)}", "big, small",
          lambda r: (f"small = {r.randint(0, 999)}" if r.random() < 0.8 else
                     f"big = repeat({text(word(r, 6))}, {r.randint(1, 800)})")),
    Table("instants", ("at",),
          lambda r, n: f"'2020-01-01 00:00:00' + INTERVAL {r.randint(0, n * 50)} * 1000003 MICROSECOND",
          lambda r: text(word(r, 4)), "v", lambda r: f"v = {text(word(r, 4))}"),
    Table("owned", ("id",), lambda r, n: str(r.randint(1, n * 4)),
          lambda r: f"{owner(r)}, {text(word(r, 10))}", "owner, v",
          lambda r: f"owner = {owner(r)}, v = {text(word(r, 4))}"),
    Table("owned_names", ("name",), lambda r, n: text(word(r, 8)),
          lambda r: f"{owner(r)}, {text(word(r, 10))}", "owner, v",
          lambda r: (f"owner = {owner(r)}" if r.random() < 0.3 else f"v = {text(word(r, 4))}")),
    Table("truncated", ("id",), lambda r, n: str(r.randint(1, n * 4)),
          lambda r: text(word(r, 10)), "v", lambda r: f"v = {text(word(r, 10))}"),
]

COLUMNS_OF_KINDS = (
    "tiny, utiny, small, medium, umedium, plain, uplain, big, ubig, num, wide, single, dbl, day, "
    "moment, instant, span, years, bits, flags, short, latin, words, bin4, raw, rawer, pick, picks, "
    "doc, hidden")

SCHEMA = f"""
CREATE TABLE audit (tx bigint PRIMARY KEY, session int NOT NULL, kind varchar(40) {COLLATION} NOT NULL);
CREATE TABLE audit_keyless (tx bigint NOT NULL, kind varchar(40));
CREATE TABLE bank_accounts (id bigint PRIMARY KEY, branch int NOT NULL, balance bigint NOT NULL,
  note text);
CREATE TABLE bank_ledger (id int PRIMARY KEY, total bigint NOT NULL);
CREATE TABLE names (name varchar(40) COLLATE utf8mb4_general_ci PRIMARY KEY, v int);
CREATE TABLE composites (a int, b varchar(20) COLLATE utf8mb4_bin, v int, PRIMARY KEY (a, b));
CREATE TABLE unsigneds (id bigint unsigned PRIMARY KEY, v text);
CREATE TABLE binaries (id varbinary(16) PRIMARY KEY, v text);
CREATE TABLE padded (id binary(8) PRIMARY KEY, v text);
CREATE TABLE numerics (id decimal(20, 4) PRIMARY KEY, v text);
CREATE TABLE large_values (id int PRIMARY KEY, big longtext, small int);
CREATE TABLE instants (at datetime(6) PRIMARY KEY, v text);
CREATE TABLE truncated (id int PRIMARY KEY, v text);
CREATE TABLE duplicates (a int, b varchar(20));
CREATE TABLE uniques (id int PRIMARY KEY, k int NOT NULL UNIQUE, was int);
CREATE TABLE swaps (id int PRIMARY KEY, k int UNIQUE);
CREATE TABLE parents (id int PRIMARY KEY, v text);
CREATE TABLE parent_children (id int PRIMARY KEY, parent int NOT NULL, v text,
  FOREIGN KEY (parent) REFERENCES parents (id));
CREATE TABLE owners (id int PRIMARY KEY, code int UNIQUE, v text);
CREATE TABLE owned (id int PRIMARY KEY, owner int, v text,
  FOREIGN KEY (owner) REFERENCES owners (id) ON DELETE CASCADE ON UPDATE SET NULL);
CREATE TABLE owned_names (name varchar(40) {COLLATION} PRIMARY KEY, owner int, v text,
  FOREIGN KEY (owner) REFERENCES owners (id) ON DELETE SET NULL ON UPDATE SET NULL);
CREATE TABLE owned_codes (id bigint unsigned PRIMARY KEY, code int UNIQUE, v text,
  FOREIGN KEY (code) REFERENCES owners (code) ON DELETE CASCADE ON UPDATE SET NULL);
CREATE TABLE owned_parts (id int PRIMARY KEY, owned int, v text,
  FOREIGN KEY (owned) REFERENCES owned (id) ON DELETE CASCADE ON UPDATE SET NULL);
CREATE TABLE trees (id int PRIMARY KEY, up int, v text,
  FOREIGN KEY (up) REFERENCES trees (id) ON DELETE CASCADE);
CREATE TABLE regions (id int PRIMARY KEY);
CREATE TABLE region_rows (id int PRIMARY KEY, region int, v text,
  FOREIGN KEY (region) REFERENCES regions (id) ON DELETE SET NULL ON UPDATE CASCADE);
CREATE TABLE partitions (id int, region int, v text, PRIMARY KEY (id, region))
  PARTITION BY RANGE (region) (PARTITION low VALUES LESS THAN (10),
    PARTITION high VALUES LESS THAN (20));
CREATE TABLE products (id int AUTO_INCREMENT PRIMARY KEY, price decimal(10, 2), quantity int,
  cost decimal(20, 2) GENERATED ALWAYS AS (price * quantity) STORED,
  half decimal(20, 2) GENERATED ALWAYS AS (price / 2) VIRTUAL);
CREATE TABLE kinds (id int PRIMARY KEY, tiny tinyint, utiny tinyint unsigned, small smallint,
  medium mediumint, umedium mediumint unsigned, plain int, uplain int unsigned, big bigint,
  ubig bigint unsigned, num decimal(10, 2), wide decimal(65, 30), single float, dbl double, day date,
  moment datetime(6), instant timestamp(6) NULL, span time(6), years year, bits bit(5), flags bit(64),
  short char(5), latin varchar(20) CHARACTER SET latin1, words longtext, bin4 binary(4),
  raw varbinary(20), rawer longblob, pick enum('one', 'two, and', 'three'),
  picks set('a', 'b', 'c'), doc json, hidden int INVISIBLE);
"""


def fill_sql(sizes, series):
    n, hashed = sizes.rows, "sha2(g, 256)"
    all_rows = f"FROM {series(1, n)}"
    quarter = f"FROM {series(1, n // 4)}"
    return f"""
INSERT INTO bank_accounts SELECT g * 2, g % 10, 0, repeat('n', g % 40)
  FROM {series(1, sizes.accounts)};
INSERT INTO bank_ledger SELECT g, 0 FROM {series(1, LEDGERS)};
INSERT IGNORE INTO names SELECT concat(substr('aAbBzZäÄßé', 1 + g % 10, 1), substr({hashed}, 1, 7)), g
  {all_rows};
INSERT IGNORE INTO composites SELECT g % 200, substr({hashed}, 1, 5), g {all_rows};
INSERT INTO unsigneds SELECT if(g % 2, g, {LARGEST} - g), concat('v', g) {all_rows};
INSERT IGNORE INTO binaries SELECT unhex(substr({hashed}, 1, 2 + 2 * (g % 16))), concat('v', g)
  {all_rows};
INSERT INTO padded SELECT unhex(lpad(hex(g * 2), 4, '0')), concat('v', g) {all_rows};
INSERT INTO numerics SELECT (g - {n} / 2) * 2.5001, concat('v', g) {all_rows};
INSERT INTO large_values SELECT g * 2, repeat(substr({hashed}, 1, 6), 500), g {all_rows};
INSERT INTO instants SELECT '2020-01-01 00:00:00' + INTERVAL g * 37000001 MICROSECOND,
  concat('v', g) {all_rows};
INSERT INTO truncated SELECT g * 2, {hashed} FROM {series(1, sizes.truncated)};
INSERT INTO duplicates SELECT g % 50, concat('d', g % 5) {quarter};
INSERT INTO uniques SELECT g * 2, g, NULL {all_rows};
INSERT INTO swaps SELECT g, g {quarter};
INSERT INTO parents SELECT g, concat('p', g) {quarter};
INSERT INTO parent_children SELECT g, 1 + g % {n // 4}, concat('c', g) {all_rows};
INSERT INTO owners SELECT g, g * 3, concat('o', g) {quarter};
INSERT INTO owned SELECT g * 2, 1 + g % {n // 4}, concat('c', g) {all_rows};
INSERT INTO owned_names SELECT concat(substr({hashed}, 1, 8), g), 1 + g % {n // 4}, concat('c', g)
  {all_rows};
INSERT INTO owned_codes SELECT g, g * 3, concat('c', g) {quarter};
INSERT INTO owned_parts SELECT g, g * 2, concat('p', g) {all_rows};
INSERT INTO trees SELECT g, nullif(g DIV 3, 0), concat('t', g) {all_rows};
INSERT INTO regions SELECT g {quarter};
INSERT INTO region_rows SELECT g, g, concat('r', g) {quarter};
INSERT INTO partitions SELECT g, g % 20, concat('v', g) {all_rows};
INSERT INTO products (price, quantity) SELECT g * 1.10, g % 7 {quarter};
INSERT INTO kinds (id, {COLUMNS_OF_KINDS}) VALUES
 (1, -128, 255, -32768, -8388608, 16777215, -2147483648, 4294967295, -9223372036854775808, {LARGEST},
  1.10, -0.000000000000000000000000000001, 16777217, -0e0, '1000-01-01', '9999-12-31 23:59:59.999999',
  '1970-01-01 00:00:01', '-838:59:59', 1901, b'10101', b'1', 'ab', 'caf\u00e9', '', x'0100', x'',
  x'00ff0a5c', 'two, and', 'a,c', '{{"b": 1, "a": [1.5, null, true, "\u00e9"]}}', 1),
 (2, 127, 0, 32767, 8388607, 0, 2147483647, 0, 9223372036854775807, 0,
  -99999999.99, 99999999999999999999999999999999999.999999999999999999999999999999, 1.17549435e-38,
  5e-324, '9999-12-31', '1000-01-01 00:00:00.000001', '2038-01-19 03:14:07.999999',
  '838:59:58.999999', 2155, b'0', {LARGEST}, '     ', '\u00fc\u00df',
  'tab\\t newline\\n return\\r backslash\\\\ quote\\' \\\\N \U0001f426', x'00000000', x'0000',
  repeat(x'00ff', 5000), 'one', '', '[]', 2),
 (3, {", ".join(["NULL"] * 30)});
"""


def audit(number, session, kind):
    return workload.audit(number, session, kind, schema="")


class Session(workload.Session):
    tables, audit = TABLES, staticmethod(audit)

    def __init__(self, owner, number, hangs=False):
        super().__init__(owner, number, hangs)
        for kind, weight in [(self.replace, 4), (self.two_tables, 4), (self.owners, 14),
                             (self.trees, 4), (self.regions, 1)]:
            self.kinds.append(kind)
            self.weights.append(weight)

    # ---- Choosing rows ----

    def choose(self, table, key):
        """Statements that put the key of an existing row into @k1, @k2, mostly near the frontier."""
        listed, rng = ", ".join(key), self.rng
        at = self.workload.frontier.keys.get(table)
        if at is None or rng.random() < 0.2:
            made = next((t.new_key for t in TABLES if t.name == table), None)
            at = made(rng, self.size(table)) if made else str(rng.randint(1, self.size(table) * 2))
        sign, order = rng.choice([(">", "ASC"), (">", "ASC"), (">", "ASC"), ("<=", "DESC")])
        offset = rng.choice([rng.randint(0, 60), rng.randint(0, 120), rng.randint(0, 400)])
        by = ", ".join(f"{column} {order}" for column in key)
        into = ", ".join(f"@k{place + 1}" for place in range(len(key)))
        return ["SET @k1 = NULL, @k2 = NULL",
                f"SELECT {listed} INTO {into} FROM {table} WHERE ({listed}) {sign} ({at}) "
                f"ORDER BY {by} LIMIT 1 OFFSET {offset}"]

    def chosen(self, key):
        return " AND ".join(f"{column} = @k{place + 1}" for place, column in enumerate(key))

    # ---- Transactions: each returns its statements ----

    def transfer(self):
        amount, ledger = self.rng.randint(-500, 500), self.rng.randint(1, LEDGERS)
        return [*self.choose("bank_accounts", ("id",)),
                f"UPDATE bank_accounts SET balance = balance - {amount} WHERE id = @k1",
                f"UPDATE bank_ledger SET total = total + {amount} WHERE id = {ledger} AND "
                "row_count() = 1"]

    def open_account(self):
        return [f"INSERT IGNORE INTO bank_accounts VALUES ({self.account_number()}, 1, 0, 'new')"]

    def close_account(self):
        ledger = self.rng.randint(1, LEDGERS)
        return [*self.choose("bank_accounts", ("id",)), "SET @b = 0",
                "SELECT balance INTO @b FROM bank_accounts WHERE id = @k1 FOR UPDATE",
                "DELETE FROM bank_accounts WHERE id = @k1",
                f"UPDATE bank_ledger SET total = total + @b WHERE id = {ledger}"]

    def account_number(self):
        """Odd numbers are free at first. Near the frontier, on either side, or anywhere."""
        at = self.workload.frontier.keys.get("bank_accounts")
        if at is None or self.rng.random() < 0.3:
            return str(self.rng.randint(0, self.sizes.accounts) * 2 + 1)
        return str(int(at.strip("'")) // 2 * 2 + 1 + self.rng.randint(-300, 300) * 2)

    def move_account(self):
        return [*self.choose("bank_accounts", ("id",)),
                f"UPDATE IGNORE bank_accounts SET id = {self.account_number()} WHERE id = @k1"]

    def change_rows(self):
        statements = []
        for _ in range(self.rng.randint(1, 4)):
            table = self.table()
            action = self.rng.random()
            if action < 0.25:
                statements.append(
                    f"INSERT IGNORE INTO {table.name} ({', '.join(table.key)}, {table.columns}) "
                    f"VALUES ({table.new_key(self.rng, self.size(table.name))}, "
                    f"{table.values(self.rng)})")
                continue
            verb = (f"DELETE FROM {table.name}" if action < 0.45 else
                    f"UPDATE {table.name} SET {table.update(self.rng)}")
            statements += [*self.choose(table.name, table.key),
                           f"{verb} WHERE {self.chosen(table.key)}"]
        return statements

    def change_key(self):
        """Also to another spelling of the same key, where the collation sees none."""
        table = self.table()
        new = table.new_key(self.rng, self.size(table.name))
        also = f", {table.update(self.rng)}" if self.rng.random() < 0.3 else ""
        parts = [new] if len(table.key) == 1 else new.split(", ")
        if table.name == "names" and self.rng.random() < 0.3:
            parts = [self.rng.choice(["upper(name)", "lower(name)"])]
        assigned = ", ".join(f"{column} = {part}" for column, part in zip(table.key, parts))
        return [*self.choose(table.name, table.key),
                f"UPDATE IGNORE {table.name} SET {assigned}{also} WHERE {self.chosen(table.key)}"]

    def savepoints(self):
        return [*self.change_rows(), "SAVEPOINT one", *self.change_rows(), *self.transfer(),
                "SAVEPOINT two", *self.change_rows(), "ROLLBACK TO one", *self.change_key(),
                "SAVEPOINT three", *self.change_rows(), "RELEASE SAVEPOINT three"]

    def sweep(self):
        """Many rows at the frontier at once: some of them are being copied, or just closed."""
        table = self.table()
        listed = ", ".join(table.key)
        at = self.workload.frontier.keys.get(table.name)
        if at is None:
            return self.change_rows()
        return [f"UPDATE {table.name} SET {table.update(self.rng)} WHERE ({listed}) > ({at}) "
                f"ORDER BY {listed} LIMIT {self.rng.randint(5, 100)}"]

    def move_large_value(self):
        """From what is not copied yet to what is."""
        at = self.workload.frontier.keys.get("large_values")
        if at is None:
            return self.change_key()
        at = int(at.strip("'"))
        new = at - self.rng.randint(1, 200) * 2 - 1
        return ["SET @k1 = NULL", f"SELECT id INTO @k1 FROM large_values WHERE id > {at} ORDER BY id "
                f"LIMIT 1 OFFSET {self.rng.randint(100, 300)}",
                f"UPDATE IGNORE large_values SET id = {new} WHERE id = @k1"]

    def keyless(self):
        a, b = self.rng.randint(0, 49), f"'d{self.rng.randint(0, 4)}'"
        return [self.rng.choice([
            f"INSERT INTO duplicates VALUES ({a}, {b}), ({a}, {b})",
            f"INSERT INTO duplicates VALUES ({a}, NULL)",
            f"DELETE FROM duplicates WHERE a = {a} LIMIT 1",
            f"UPDATE duplicates SET b = {b} WHERE a = {a} LIMIT 1"])]

    def swap(self):
        """Unique values change places; here it takes three steps."""
        first = self.rng.randint(1, self.sizes.rows // 4 - 1)
        return ["SET @a = NULL, @b = NULL",
                f"SELECT k INTO @a FROM swaps WHERE id = {first} FOR UPDATE",
                f"SELECT k INTO @b FROM swaps WHERE id = {first + 1} FOR UPDATE",
                f"UPDATE swaps SET k = NULL WHERE id = {first}",
                f"UPDATE swaps SET k = @a WHERE id = {first + 1}",
                f"UPDATE swaps SET k = @b WHERE id = {first}"]

    def hand_over(self):
        """Unique values go from row to row: in one transaction, in several, with the row's key."""
        fresh = -(self.number * 1_000_000 + self.made)
        key = self.rng.randint(0, self.sizes.rows) * 2 + 1
        row = self.choose("uniques", ("id",))
        give = [*row, f"UPDATE uniques SET was = k, k = {fresh} WHERE id = @k1"]
        take = [*self.choose("uniques", ("id",)), "SET @f = NULL",
                "SELECT was INTO @f FROM uniques u WHERE was IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "
                "uniques o WHERE o.k = u.was) LIMIT 1",
                "UPDATE uniques SET k = @f WHERE id = @k1 AND @f IS NOT NULL"]
        again = [*row, "SET @f = NULL", "SELECT k INTO @f FROM uniques WHERE id = @k1 FOR UPDATE",
                 "DELETE FROM uniques WHERE id = @k1",
                 f"INSERT IGNORE INTO uniques SELECT {key}, {fresh}, @f FROM (SELECT 1) AS one "
                 "WHERE @f IS NOT NULL"]
        move = [*row, f"UPDATE IGNORE uniques SET id = {key} WHERE id = @k1"]
        return self.rng.choice([give, give, take, take, give + take, again, move])

    def family(self):
        """Without actions."""
        parent = self.rng.randint(1, self.sizes.rows // 4)
        child = self.rng.randint(self.sizes.rows + 1, 100_000_000)
        return self.rng.choice([
            [f"INSERT IGNORE INTO parents VALUES ({parent + 1_000_000}, 'new')",
             f"INSERT INTO parent_children VALUES ({child}, {parent + 1_000_000}, 'new')"],
            [f"DELETE FROM parent_children WHERE parent = {parent}",
             f"DELETE FROM parents WHERE id = {parent}"],
            [f"INSERT INTO parent_children SELECT {child}, id, 'more' FROM parents "
             f"WHERE id = {parent}"]])

    def owners(self):
        """What happens to the rows of owners happens to those that refer to them, unlogged (B33)."""
        rng = self.rng
        one, other = rng.randint(1, self.sizes.rows // 4), rng.randint(1, self.sizes.rows // 4)
        fresh = rng.randint(1_000, 100_000_000)
        key = rng.randint(1, self.sizes.rows * 4)
        again = [f"INSERT IGNORE INTO owners VALUES ({one}, {one * 3}, 'again')",
                 f"INSERT IGNORE INTO owned VALUES ({key}, {one}, 'again')",
                 f"INSERT IGNORE INTO owned_names VALUES ({text(word(rng, 9))}, {one}, 'again')",
                 f"INSERT IGNORE INTO owned_codes VALUES ({key}, {one * 3}, 'again')",
                 f"INSERT IGNORE INTO owned_parts VALUES ({key + rng.randint(0, 9)}, {key}, 'again')"]
        drop = [f"DELETE FROM owners WHERE id = {one}"]
        move = [f"UPDATE IGNORE owners SET id = {fresh} WHERE id = {one}"]
        return rng.choice([
            drop, drop + again, again, move,
            [f"UPDATE owned SET owner = {other} WHERE owner = {one}", *drop],
            [*move, f"UPDATE IGNORE owners SET id = {one} WHERE id = {other}", f"DELETE FROM owners WHERE "
             f"id = {fresh}"],
            [f"UPDATE IGNORE owners SET code = {rng.choice(['NULL', str(fresh)])} WHERE id = {one}"],
            [f"DELETE FROM owners WHERE id BETWEEN {one} AND {one + rng.randint(1, 15)}", *again],
            # Of one row: where it takes the place of two, MySQL 9.7 leaves owned_parts behind.
            [f"REPLACE INTO owners SELECT id, code, 'replaced' FROM owners WHERE id = {one}"],
            ["SAVEPOINT one", *drop, "ROLLBACK TO one"],
            # Whatever refers to the row finds it again: the target's foreign keys hold at the end.
            [f"{UNCHECKED} FROM owners WHERE id = {one} AND code = {one * 3}", *again]])

    def trees(self):
        """Rows that go with rows of their own table."""
        rng = self.rng
        root, other = rng.randint(1, self.sizes.rows), rng.randint(1, self.sizes.rows)
        fresh = rng.randint(100_000, 100_000_000)
        return rng.choice([
            [f"DELETE FROM trees WHERE id = {root * 3}"],
            [f"DELETE FROM trees WHERE id BETWEEN {root} AND {root + rng.randint(1, 5)}",
             f"INSERT INTO trees VALUES ({root}, NULL, 'again'), ({fresh}, {root}, 'below')"],
            [f"INSERT IGNORE INTO trees VALUES ({fresh}, {root}, 'more'), ({fresh + 1}, {fresh}, 'end')"],
            [f"UPDATE IGNORE trees SET up = {other} WHERE up = {root} AND id > {other}"],
            [f"INSERT IGNORE INTO trees VALUES ({root}, NULL, 'root')",
             f"UPDATE trees SET v = 'new' WHERE up = {root}"]])

    def regions(self):
        """Values that are handed on; seldom, because they start a load again."""
        one, fresh = self.rng.randint(1, self.sizes.rows // 4), self.rng.randint(1_000, 100_000_000)
        more = [f"INSERT IGNORE INTO regions VALUES ({one})",
                f"INSERT IGNORE INTO region_rows VALUES ({fresh}, {one}, 'more')"]
        if self.rng.random() < 0.7:
            return more + [f"UPDATE region_rows SET v = 'new' WHERE region = {one}"]
        return self.rng.choice([
            [*more, f"UPDATE IGNORE regions SET id = {fresh} WHERE id = {one}",
             f"INSERT IGNORE INTO region_rows VALUES ({fresh + 1}, {fresh}, 'there')"],
            [f"DELETE FROM regions WHERE id = {one}"]])

    def two_tables(self):
        """One statement that changes rows of two tables."""
        parent = self.rng.randint(1, self.sizes.rows // 4)
        return [f"UPDATE parents p JOIN parent_children c ON c.parent = p.id SET p.v = "
                f"'{word(self.rng, 5)}', c.v = '{word(self.rng, 5)}' WHERE p.id = {parent}"]

    def replace(self):
        """DELETE and INSERT, or an UPDATE, as the server finds best."""
        row = self.rng.randint(1, self.sizes.truncated * 2)
        return self.rng.choice([
            [f"REPLACE INTO truncated VALUES ({row}, 'replaced {self.made}')"],
            [f"INSERT INTO truncated VALUES ({row}, 'new') ON DUPLICATE KEY UPDATE v = "
             f"concat(left(v, 50), '+')"]])

    def move_partition(self):
        row = self.rng.randint(1, self.sizes.rows)
        return self.rng.choice([
            [f"UPDATE IGNORE partitions SET region = (region + 10) % 20 WHERE id = {row}"],
            [f"UPDATE partitions SET v = 'u' WHERE id = {row}"],
            [f"DELETE FROM partitions WHERE id = {row}",
             f"INSERT INTO partitions VALUES ({row}, {self.rng.randint(0, 19)}, 'again')"]])

    def product(self):
        return [self.rng.choice([
            f"INSERT INTO products (price, quantity) VALUES ({self.rng.randint(1, 999)}.10, 3)",
            f"UPDATE products SET quantity = {self.rng.randint(0, 9)} WHERE id = "
            f"{self.rng.randint(1, self.sizes.rows // 4)}"])]

    def kind(self):
        number = self.rng.randint(4, 60)
        return [f"INSERT INTO kinds (id, {COLUMNS_OF_KINDS}) SELECT {number}, {COLUMNS_OF_KINDS} "
                f"FROM kinds WHERE id = {self.rng.randint(1, 3)} ON DUPLICATE KEY UPDATE "
                f"kinds.dbl = {self.rng.random()}, kinds.single = {self.rng.random()}, kinds.raw = "
                f"x'{self.rng.getrandbits(64):016x}', kinds.num = {self.rng.randint(0, 9)}.1, "
                f"kinds.ubig = {LARGEST - self.rng.randint(0, 9)}, kinds.pick = "
                f"{self.rng.randint(1, 3)}"]

    def large(self):
        count, series = self.sizes.large, self.workload.source.series
        start = self.rng.randint(1, max(1, self.sizes.accounts * 2 - count))
        base = (self.number * 1000 + self.made % 1000) * 100_000 + 10_000_000
        return [f"UPDATE bank_accounts SET note = 'l{self.made}' WHERE id BETWEEN {start} "
                f"AND {start + count}", "SAVEPOINT one",
                f"INSERT IGNORE INTO truncated SELECT {base} + g, 'undone' FROM "
                f"{series(1, count // 2)}", "ROLLBACK TO one",
                f"INSERT IGNORE INTO truncated SELECT {base} + g, 'large' FROM "
                f"{series(1, count // 4)}", "SAVEPOINT two",
                f"DELETE FROM truncated WHERE id BETWEEN {base} + 10 AND {base} + {count // 4}"]

    def empty(self):
        return ["UPDATE bank_ledger SET total = total", "COMMIT"]

    # ---- Running ----

    def connect(self):
        link = self.workload.source.connect(self.workload.source.installer)
        isolation = "READ COMMITTED" if self.number % 2 else "REPEATABLE READ"
        self.send(link, ["SET SESSION innodb_lock_wait_timeout = 2",
                         f"SET SESSION TRANSACTION ISOLATION LEVEL {isolation}"])
        return link

    # Duplicate key, foreign keys, lock timeout, deadlock, row or table changed since the snapshot, no
    # number, ended, cascades over too many levels.
    ABORTED = {1062, 1451, 1452, 1205, 1213, 1020, 1292, 1317, 1412, 3008, 6575}
    # Gone, lost, no socket, shutdown, killed.
    LOST = {0, 2002, 2003, 2006, 2013, 2055, 1053, 1927, 1158, 1159, 1160, 1161}

    def fate(self, error, link):
        if not isinstance(error, pymysql.Error):
            return None
        code = error.args[0] if error.args else 0
        return "aborted" if code in self.ABORTED else "lost" if code in self.LOST else None

    def send(self, link, statements):
        with link.cursor() as cursor:
            execute(cursor, "; ".join(statements))


class Workload(workload.Workload):
    session = Session

    def __init__(self, source, target, *more):
        # A file has no larger whole numbers: they are refused by name.
        global LARGEST
        LARGEST = 2**63 - 1 if target.engine == "sqlite" else 2**64 - 1
        super().__init__(source, target, *more)

    @property
    def target_audit(self):
        collation = "" if self.target.engine == "postgresql" else COLLATION
        return (f"tx bigint PRIMARY KEY, session int NOT NULL, kind varchar(40) {collation} "
                "NOT NULL")

    @staticmethod
    def literal(value):
        """Of a key as a target shows it."""
        return f"x'{value[2:]}'" if value.startswith("\\x") else text(value)

    def fill(self):
        self.source.query(SCHEMA, self.source.installer)
        self.source.query(fill_sql(self.sizes, self.source.series))

    def start(self):
        self.frontier.start()
        for session in self.sessions:
            session.start()

    def truncate(self):
        """TRUNCATE commits by itself: a transaction of its own, without an audit row."""
        self.truncates += 1
        number = 900_000_000_000 + self.truncates * 2
        link = self.source.connect(self.source.installer)
        self.sessions[0].send(link, ["SET lock_wait_timeout = 10", "TRUNCATE truncated"])
        for offset, kind, rows in [(0, "truncate", "SELECT g, 'after' FROM "
                                    + self.source.series(1, 10)),
                                   (1, "refill", "SELECT g * 2, 'refilled' FROM "
                                    + self.source.series(1, self.sizes.truncated // 4))]:
            first, last = audit(number + offset, 0, kind)
            self.sessions[0].send(
                link, ["BEGIN", f"INSERT IGNORE INTO truncated {rows}", first, last, "COMMIT"])
            time.sleep(0.01)
        link.close()
