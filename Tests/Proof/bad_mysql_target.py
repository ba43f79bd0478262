"""The cases of bad_input.py that break a target of MySQL or MariaDB."""

import threading

from bad_input import PREFLIGHT, TEMPORARY, Shop, fills, small_disk
from lab import make_target, private_server, require, require_equal, wait_until
from setting import private


def own(options, **settings):
    """A target of its own server."""
    server = private_server(options.target, {"server_id": 2, **settings})
    return Shop(options, target=make_target(server))


def role_of(target):
    return f"{target.apply}@localhost"


def live(shop):
    run = shop.pipeline.start()
    shop.pipeline.wait_live(run, 60)
    return run


def ends_with(run, code, *words):
    found = run.wait(60)
    require(found == code, f"ended with {found}, not {code}: {run.tail()}")
    for word in ("error:", "why:", "try:", *words):
        require(word in run.text(), f"no '{word}' in {run.tail()}")


def caught_up(shop, run):
    shop.write_more()
    shop.pipeline.wait_caught_up(run, 120)
    run.stop()
    require_equal(shop.source, shop.target, shop.pipeline)


# ---- Settings ----


def read_only(options):
    """A replica, before the start."""
    shop = own(options)
    shop.target.server.query("SET GLOBAL read_only = ON")
    shop.refused(PREFLIGHT, "read_only", command="check")
    shop.refused(PREFLIGHT, "read_only")
    shop.target.server.query("SET GLOBAL read_only = OFF")
    shop.mended()


def read_only_under_a_run(options):
    """A49: a switch-over elsewhere: it is said, `run` waits, and goes on."""
    shop = own(options)
    run = live(shop)
    try:
        shop.target.server.query("SET GLOBAL read_only = ON")
        shop.write_more()
        wait_until(lambda: run.must_live() and "read.only" in run.text().replace("-", ".")
                   and "trying again" in run.text(), 60, "it says: read-only")
        run.must_live()
        shop.target.server.query("SET GLOBAL read_only = OFF")
        caught_up(shop, run)
    finally:
        run.kill()


def no_bulk_load(options):
    shop = own(options, local_infile="OFF")
    shop.mended()


def too_many_connections(options):
    """A49"""
    shop = Shop(options)
    alter = f"ALTER USER {role_of(shop.target)} WITH MAX_USER_CONNECTIONS"
    shop.target.query(f"{alter} 1")
    shop.refused(TEMPORARY, "max_user_connections|resource")
    shop.target.query(f"{alter} 0")
    shop.mended()


# A row may take a tenth of the redo log; each server has its own name for that.
PACKET = {"max_allowed_packet": "16M", "loose_innodb_log_file_size": "400M",
          "loose_innodb_redo_log_capacity": "800M"}


def row_beyond_the_packet(options):
    """Rows of 20 MB against max_allowed_packet of 16 MB: said by name, in the load and in the
    stream; smaller ones share statements that fit."""
    shop = own(options, **PACKET)
    large = "(SELECT string_agg(md5(n::text), '') FROM generate_series(1, {}) AS n)"
    shop.sql(f"INSERT INTO lab.orders SELECT g, 1, {large.format(60_000)} "
             "FROM generate_series(1000, 1020) AS g")
    shop.pipeline.catch_up(60)
    shop.sql(f"INSERT INTO lab.orders SELECT g, 1, {large.format(60_000)} "
             "FROM generate_series(2000, 2020) AS g")
    shop.pipeline.catch_up(60)
    shop.sql(f"INSERT INTO lab.orders VALUES (3000, 1, {large.format(650_000)})")
    shop.refused(PREFLIGHT, "max_allowed_packet", "orders")
    shop.target.server.query("SET GLOBAL max_allowed_packet = 64 * 1024 * 1024")
    shop.mended()


def row_beyond_the_packet_in_the_load(options):
    """A file of LOAD DATA has no such limit: the row is there whole."""
    shop = own(options, **PACKET)
    shop.sql("CREATE TABLE lab.large (id int PRIMARY KEY, b bytea)")
    shop.sql("INSERT INTO lab.large SELECT 1, decode(repeat('00ff', 10000000), 'hex')")
    shop.pipeline.install()
    shop.pipeline.catch_up(60)
    # To read it back.
    shop.target.server.query("SET GLOBAL max_allowed_packet = 128 * 1024 * 1024")
    shop.mended()


def galera(options):
    """Locks of a node do not hold at the others: the epoch check would not fence."""
    if not options.target.startswith("mariadb"):
        return
    shop = own(options)
    server = shop.target.server
    server.configure({"wsrep_on": "ON", "innodb_autoinc_lock_mode": "2"})
    server.restart()
    shop.refused(PREFLIGHT, "wsrep_on", command="check")
    shop.refused(PREFLIGHT, "wsrep_on")
    server.configure({"wsrep_on": "OFF"})
    server.restart()
    shop.mended()


# ---- Privileges ----


def permission_lost(options):
    """Under a run; with it back, the next start goes on."""
    shop = Shop(options)
    target, run = shop.target, live(shop)
    place = f"ON {target.name}.*"
    try:
        target.query(f"REVOKE UPDATE, INSERT, DELETE {place} FROM {role_of(target)}")
        # What a session has open keeps its rights.
        target.end_sessions()
        shop.write_more()
        ends_with(run, PREFLIGHT, "--print-grants")
    finally:
        run.kill()
    target.query(f"GRANT UPDATE, INSERT, DELETE {place} TO {role_of(target)}")
    shop.mended()


def no_create(options):
    shop = Shop(options)
    target = shop.target
    target.query(f"REVOKE CREATE ON {target.name}.* FROM {role_of(target)}")
    shop.refused(PREFLIGHT, "create|denied")
    target.query(f"GRANT CREATE ON {target.name}.* TO {role_of(target)}")
    shop.mended()


# ---- Tables ----


def engine_without_transactions(options):
    """A07, also when it changes after the load. Tables that Martlet makes have InnoDB, whatever the
    default is."""
    shop = own(options, default_storage_engine="MyISAM")
    shop.pipeline.catch_up(60)
    table = f"{shop.target.schema}.items"
    shop.target.query(f"ALTER TABLE {table} ENGINE = MyISAM")
    shop.refused(PREFLIGHT, "MyISAM", "InnoDB")
    shop.target.query(f"ALTER TABLE {table} ENGINE = InnoDB")
    shop.mended()


def trigger(options):
    """A31: it would fire for replicated rows."""
    shop = Shop(options)
    shop.pipeline.catch_up(60)
    shop.target.query("CREATE TRIGGER loud BEFORE INSERT ON items FOR EACH ROW SET NEW.name = 'x'")
    shop.refused(PREFLIGHT, "trigger loud", "items")
    place = f"TRIGGER ON {shop.target.name}.*"
    shop.target.query(f"REVOKE {place} FROM {role_of(shop.target)}")
    shop.refused(PREFLIGHT, "TRIGGER", "hidden")
    shop.target.query(f"GRANT {place} TO {role_of(shop.target)}; DROP TRIGGER loud")
    shop.mended()


def key_required(options):
    """A server that takes no table without a primary key says so for one that has none."""
    if not options.target.startswith("mysql"):
        return
    shop = own(options, sql_require_primary_key="ON")
    shop.sql("CREATE TABLE lab.keyless (a int)")
    shop.sql("ALTER TABLE lab.keyless REPLICA IDENTITY FULL")
    shop.sql("INSERT INTO lab.keyless VALUES (1), (1)")
    shop.pipeline.install()
    shop.refused(PREFLIGHT, "sql_require_primary_key|primary key")
    shop.target.server.query("SET GLOBAL sql_generate_invisible_primary_key = ON")
    shop.mended()


# ---- Others at the target, and its disk ----


def deadlocks(options):
    """A25: somebody locks rows in the other order, with more undo than Martlet has: the server
    takes Martlet's transaction back, and it is done again, whole."""
    shop = Shop(options)
    run = live(shop)
    stopped = threading.Event()
    locker = threading.Thread(target=lock_backwards, args=(shop.target, stopped), daemon=True)
    try:
        shop.target.query("CREATE TABLE elsewhere (a int)")
        locker.start()
        for _ in range(40):
            shop.sql("UPDATE lab.items SET name = concat(name, '.') WHERE id IN (10, 290)")
            if "eadlock" in run.text():
                break
            stopped.wait(0.3)
        wait_until(lambda: run.must_live() and "eadlock" in run.text(), 30, "a deadlock was said")
        stopped.set()
        locker.join(60)
        shop.target.query("DROP TABLE elsewhere")
        caught_up(shop, run)
    finally:
        stopped.set()
        run.kill()


def lock_backwards(target, stopped):
    link = target.connect(autocommit=False)
    cursor = link.cursor()
    while not stopped.is_set():
        try:
            cursor.execute("INSERT INTO elsewhere SELECT g FROM " + target.series(1, 2000))
            cursor.execute("SELECT * FROM items WHERE id = 290 FOR UPDATE")
            stopped.wait(0.2)
            cursor.execute("SELECT * FROM items WHERE id = 10 FOR UPDATE")
        except target.Error:
            pass
        link.rollback()
    link.close()


def disk_full(options):
    """A49: the tables' disk, a small tmpfs, fills under the load and again under the stream."""
    target = make_target(private(options.target, role="target"))
    place = target.server.folder / "data" / target.name
    folder = small_disk("24m", place)
    shop = Shop(options, target=target)
    run = fills(shop, shop.pipeline.start(), 1_000, 30_000, folder, "96m")
    try:
        shop.pipeline.wait_live(run, 60)
        run = fills(shop, run, 100_000, 160_000, folder, "512m")
        caught_up(shop, run)
    finally:
        run.kill()


CASES = [
    read_only, read_only_under_a_run, no_bulk_load, too_many_connections, row_beyond_the_packet,
    row_beyond_the_packet_in_the_load, galera, permission_lost, no_create,
    engine_without_transactions, trigger, key_required, deadlocks, disk_full,
]
