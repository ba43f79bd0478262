#!/usr/bin/python3
"""What is wrong is said in four lines, with the right exit code; nothing is lost, and the next start
goes on.

Each case breaks one thing, requires code and message, mends it, and requires that the pipeline then
reaches equality.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import lab
from lab import (FileTarget, Pipeline, Target, at_end, let_go, make_source, make_target, require,
                 require_equal, unique, wait_until)
from setting import Proof, arguments, private

USAGE, PREFLIGHT, POLICY, TEMPORARY = 2, 3, 6, 75
SECRET = "correct-horse-battery"


class Shop:
    """Two tables with rows, a target, a pipeline."""

    opened = []

    def __init__(self, options, server=None, target=None, install=True, **more):
        Shop.opened.append(self)
        self.server = server
        self.source = make_source(server or private(options.source, late=False))
        self.sql("CREATE TABLE lab.items (id int PRIMARY KEY, name text)")
        self.sql("CREATE TABLE lab.orders (id int PRIMARY KEY, item int, note text)")
        self.sql(f"INSERT INTO lab.items SELECT g, concat('i', g) FROM {self.source.series(1, 300)}")
        self.sql(f"INSERT INTO lab.orders SELECT g, g, 'o' FROM {self.source.series(1, 300)}")
        self.target = target or make_target(options.target)
        self.pipeline = Pipeline(self.source, self.target, **more)
        if install:
            self.pipeline.install()

    def close(self):
        """Frees its slots for the next case; a cluster of its own goes as a whole."""
        self.pipeline.kill_all()
        let_go(self.target) if self.server else let_go(self.source, self.target)
        if self.server:
            self.server.remove()

    def sql(self, text):
        """`lab` stands for the schema."""
        return self.source.query(text.replace("lab.", f"{self.source.schema}."),
                                 self.source.installer)

    def at_target(self, text):
        return self.target.query(text.replace("lab.", f"{self.target.schema}."), self.target.apply)

    def write_more(self):
        self.sql("UPDATE lab.items SET name = concat(name, '+') WHERE id % 3 = 0")
        self.sql("INSERT INTO lab.orders SELECT max(id) + 1, 1, 'more' FROM lab.orders")

    def refused(self, code, *words, command="run", environment=None, arguments=("--until-caught-up",)):
        """The command ends with `code` and a message of the contract's form with these words."""
        extra = arguments if command == "run" else ()
        result = self.pipeline.call(command, *extra, environment=environment, timeout=60)
        if command == "check" and result.stdout:
            require_finding(result, code, words)
        else:
            require_message(result, code, words)
        return result

    def publish(self):
        """What the installer does, without looking at the rest."""
        self.pipeline.call("check", "--install", path=self.pipeline.install_path)

    def mended(self):
        self.write_more()
        self.pipeline.catch_up(120)
        require_equal(self.source, self.target, self.pipeline)


def require_message(result, code, words=()):
    text = result.stderr
    require(result.returncode == code, f"ended with {result.returncode}, not {code}: {text[-800:]}")
    lines = text.splitlines()
    heads = [line.split(":")[0] for line in lines]
    for head in ("error", "why", "try"):
        require(head in heads, f"no '{head}:' line in: {text[-800:]}")
    require("Fatal error" not in text and "backtrace" not in text.lower(), f"a crash: {text[-800:]}")
    require(SECRET not in text + result.stdout, "the password is in the output")
    for word in words:
        require(re.search(word, text, re.IGNORECASE), f"'{word}' is not in: {text[-800:]}")


def require_finding(result, code, words):
    """`check` lists what it found; what is refused comes with the way out."""
    require(result.returncode == code, f"ended with {result.returncode}, not {code}")
    for word in ("REFUSED", "try:", *words):
        require(re.search(word, result.stdout), f"'{word}' is not in: {result.stdout}")


# ---- The source ----


def source_unreachable(options):
    shop = Shop(options)
    good = shop.pipeline.path.read_text(encoding="utf-8")
    shop.pipeline.path.write_text(
        re.sub(r'("source": "\w+)://[^"]*"', r'\1://nobody@127.0.0.1:1/none"', good))
    shop.refused(TEMPORARY, "127.0.0.1")
    shop.refused(TEMPORARY, "127.0.0.1", command="check")
    shop.pipeline.path.write_text(good)
    shop.mended()


def target_unreachable(options):
    shop = Shop(options)
    scheme = "mysql" if shop.target.engine in ("mysql", "mariadb") else "postgres"
    nobody = f"{scheme}://nobody@127.0.0.1:1/none"
    good = shop.pipeline.path.read_text(encoding="utf-8")
    shop.pipeline.path.write_text(
        re.sub(r'("target": ")[^"]*"', rf'\1{nobody}"', good))
    shop.refused(TEMPORARY, "127.0.0.1")
    shop.pipeline.path.write_text(good)
    shop.mended()


def wrong_password(options):
    shop = Shop(options)
    server, capture = shop.source.server, shop.source.capture
    shop.source.query(f"ALTER ROLE {capture} PASSWORD '{SECRET}-right'")
    allow_passwords(server)
    url = f"postgres://{capture}@127.0.0.1:{server.port}/{shop.source.name}"
    shop.pipeline.write("pipeline", url)
    shop.refused(PREFLIGHT, "password", environment={"MARTLET_SOURCE_PASSWORD": SECRET})
    shop.pipeline.write("pipeline", url.replace("@", f":{SECRET}@"))
    shop.refused(PREFLIGHT, "password")
    shop.pipeline.write("pipeline", url)
    os.environ["MARTLET_SOURCE_PASSWORD"] = f"{SECRET}-right"
    try:
        shop.mended()
    finally:
        del os.environ["MARTLET_SOURCE_PASSWORD"]


def allow_passwords(server):
    """The private cluster trusts everybody; passwords are asked for over TCP from now on."""
    path = server.folder / "data/pg_hba.conf"
    rules = "local all all trust\nlocal replication all trust\nhost all all all scram-sha-256\n"
    path.write_text(rules + "host replication all all scram-sha-256\n", encoding="utf-8")
    server.query("SELECT pg_reload_conf()")


def wal_level(options):
    server = lab.PrivateServer(options.source, {"wal_level": "replica"})
    shop = Shop(options, server=server, install=False)
    shop.refused(PREFLIGHT, "wal_level", command="check")
    shop.refused(PREFLIGHT, "wal_level")
    server.configure({"wal_level": "logical"})
    server.restart()
    shop.pipeline.install()
    shop.mended()


def no_replication(options):
    shop = Shop(options)
    shop.source.query(f"ALTER ROLE {shop.source.capture} NOREPLICATION")
    shop.refused(PREFLIGHT, "replication")
    shop.source.query(f"ALTER ROLE {shop.source.capture} REPLICATION")
    shop.mended()


def no_select(options):
    shop = Shop(options)
    shop.sql(f"REVOKE SELECT ON lab.orders FROM {shop.source.capture}")
    shop.refused(PREFLIGHT, r"lab\.orders", "select")
    shop.sql(f"GRANT SELECT ON lab.orders TO {shop.source.capture}")
    shop.mended()


def no_publication(options):
    """The capture role owns nothing, so it cannot make one: it says what the installer must do."""
    shop = Shop(options, install=False)
    shop.refused(PREFLIGHT, "publication", "--install|CREATE PUBLICATION")
    shop.pipeline.install()
    shop.mended()


def no_slot_left(options):
    server = lab.PrivateServer(options.source, {"max_replication_slots": 1})
    server.query("SELECT pg_create_physical_replication_slot('occupied')")
    shop = Shop(options, server=server, install=False)
    shop.publish()
    shop.refused(PREFLIGHT, "slot")
    server.query("SELECT pg_drop_replication_slot('occupied')")
    shop.mended()


def row_security(options):
    shop = Shop(options)
    shop.sql("ALTER TABLE lab.orders ENABLE ROW LEVEL SECURITY")
    shop.sql("CREATE POLICY few ON lab.orders USING (id < 10)")
    shop.refused(PREFLIGHT, r"lab\.orders", "row.level.security|row_security|policy|policies")
    shop.sql("ALTER TABLE lab.orders DISABLE ROW LEVEL SECURITY")
    shop.mended()


def slot_ahead(options):
    """P19: the slot was moved on while we were away; what it passed is lost to us."""
    shop = Shop(options)
    shop.mended()
    shop.write_more()
    slot = shop.source.value("SELECT slot_name FROM pg_replication_slots WHERE database = "
                             f"'{shop.source.name}' AND plugin = 'pgoutput'")
    shop.source.query(f"SELECT pg_replication_slot_advance('{slot}', pg_current_wal_lsn())")
    shop.refused(POLICY, "slot", "not sent again")


def slot_missing(options):
    shop = Shop(options)
    shop.mended()
    slot = shop.source.value("SELECT slot_name FROM pg_replication_slots WHERE database = "
                             f"'{shop.source.name}' AND plugin = 'pgoutput'")
    shop.source.query(f"SELECT pg_drop_replication_slot('{slot}')")
    shop.refused(POLICY, "slot")


def slot_made_again(options):
    """P20: the same name, but what was committed in between is lost to us."""
    shop = Shop(options)
    shop.mended()
    slot = drop_slot(shop)
    shop.write_more()
    shop.source.query(f"SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')")
    shop.refused(POLICY, "slot", "not sent again")


def drop_slot(shop):
    slot = shop.source.value("SELECT slot_name FROM pg_replication_slots WHERE database = "
                             f"'{shop.source.name}' AND plugin = 'pgoutput'")
    shop.source.query(f"SELECT pg_drop_replication_slot('{slot}')")
    return slot


def slot_lost(options):
    """P23: the server removed the log that the slot needs."""
    server = lab.PrivateServer(options.source, {
        "max_slot_wal_keep_size": "1MB", "min_wal_size": "32MB", "max_wal_size": "32MB"})
    shop = Shop(options, server=server)
    shop.mended()
    shop.write_more()
    for _ in range(6):
        server.query("SELECT pg_logical_emit_message(false, 'filler', repeat('x', 1000)), "
                     "pg_switch_wal()")
        server.query("CHECKPOINT")
    shop.refused(POLICY, "slot", "invalidated|removed")
    result = shop.pipeline.call("run", "--fresh", "--yes", "--until-caught-up")
    require(result.returncode == 0, f"--fresh ended with {result.returncode}: {result.stderr}")
    shop.mended()


def failover(options):
    """P24: the source was promoted: what came after the fork may not be what we applied."""
    server = lab.PrivateServer(options.source, {"hot_standby": "on"})
    shop = Shop(options, server=server)
    shop.mended()
    server.stop()
    (server.folder / "data/standby.signal").touch()
    server.start()
    server.query("SELECT pg_promote()")
    wait_until(lambda: not server.query("SELECT pg_is_in_recovery()")[0][0], 30, "promoted")
    server.query("CHECKPOINT")
    shop.write_more()
    shop.refused(POLICY, "timeline 2", "fresh")


def other_source(options):
    """P20: another cluster answers under the pipeline's URL."""
    shop, other = Shop(options), Shop(options, server=lab.PrivateServer(options.source))
    shop.mended()
    place = other.pipeline.path.read_text(encoding="utf-8")
    path, good = shop.pipeline.path, shop.pipeline.path.read_text(encoding="utf-8")
    url = re.search(r'"source": "[^"]*"', place)[0]
    path.write_text(re.sub(r'"source": "[^"]*"', lambda _: url, good))
    shop.refused(PREFLIGHT, "another cluster or database")
    path.write_text(good)
    shop.mended()


def plugin_not_allowed(options):
    """P69: newer servers load only the output plug-ins that a list names."""
    server = lab.PrivateServer(options.source)
    known = server.query("SELECT 1 FROM pg_settings WHERE name = 'output_plugin_libraries'")
    if not known:
        server.remove()
    else:
        server.configure({"output_plugin_libraries": "test_decoding"})
        server.restart()
        shop = Shop(options, server=server, install=False)
        shop.publish()
        # The capture role may not read the setting.
        shop.refused(PREFLIGHT, "output_plugin_libraries", command="check")
        shop.refused(PREFLIGHT, "output_plugin_libraries|pgoutput")
        server.configure({"output_plugin_libraries": "pgoutput, test_decoding"})
        server.restart()
        shop.mended()


# ---- The configuration ----


def unknown_key(options):
    shop = Shop(options)
    good = shop.pipeline.path.read_text(encoding="utf-8")
    shop.pipeline.path.write_text(good.replace('"chunk_rows"', '"chunk_row"'))
    for command in ("run", "check", "plan", "status"):
        shop.refused(USAGE, "chunk_row", "chunk_rows", r"pipeline\.yaml", command=command)
    shop.pipeline.path.write_text(good)
    shop.mended()


def no_match(options):
    shop = Shop(options)
    good = shop.pipeline.path.read_text(encoding="utf-8")
    shop.pipeline.path.write_text(good.replace(
        f'"{shop.source.schema}.*"', f'"{shop.source.schema}.*", "{shop.source.schema}.order"'))
    shop.refused(USAGE, rf"{shop.source.schema}\.order\b")
    shop.pipeline.path.write_text(good)
    shop.mended()


# ---- The tables ----


def no_key(options):
    shop = Shop(options)
    shop.sql("CREATE TABLE lab.keyless (a int)")
    shop.sql("INSERT INTO lab.keyless VALUES (1)")
    shop.refused(PREFLIGHT, r"lab\.keyless", "key|identity")
    shop.sql("ALTER TABLE lab.keyless REPLICA IDENTITY FULL")
    shop.pipeline.install()
    shop.mended()


def target_does_not_fit(options):
    if options.target == "sqlite":
        return
    shop = Shop(options)
    shop.at_target("CREATE TABLE lab.orders (id int PRIMARY KEY, note text)")
    shop.refused(PREFLIGHT, "orders", "item")
    drop_at_target(shop, "orders")
    shop.mended()


def drop_at_target(shop, table):
    """Not the apply role's to do in MySQL."""
    shop.target.query(f"DROP TABLE {shop.target.schema}.{table}")


def target_has_rows(options):
    if options.target == "sqlite":
        return
    shop = Shop(options)
    shop.at_target("CREATE TABLE lab.items (id int PRIMARY KEY, name text)")
    shop.at_target("INSERT INTO lab.items VALUES (1, 'mine')")
    shop.refused(PREFLIGHT, "items", "rows", "existing")
    shop.at_target("DELETE FROM lab.items")
    shop.mended()


def target_type_differs(options):
    if options.target == "sqlite":
        return
    shop = Shop(options)
    shop.at_target("CREATE TABLE lab.orders (id int PRIMARY KEY, item int, note point)")
    shop.refused(PREFLIGHT, "orders", "note")
    drop_at_target(shop, "orders")
    shop.mended()


def row_changed_by_somebody_else(options):
    """I5: an UPDATE that hits 0 rows stops; after the row is back the next start goes on."""
    shop = Shop(options)
    shop.pipeline.catch_up(60)
    run = shop.pipeline.start()
    try:
        shop.pipeline.wait_live(run, 60)
        write_target(shop, "DELETE FROM {items} WHERE id = 7")
        shop.sql("UPDATE lab.items SET name = 'changed' WHERE id = 7")
        code = run.wait(60)
    finally:
        run.kill()
    text = run.text()
    require(code == POLICY, f"ended with {code}, not {POLICY}: {run.tail()}")
    for word in ("error:", "where:", "why:", "try:", "items", "position|[0-9A-F]+/[0-9A-F]+"):
        require(re.search(word, text), f"'{word}' is not in: {run.tail()}")
    require("changed" not in re.sub(r"(?i)somebody.*", "", "\n".join(
        line for line in text.splitlines() if "i7" in line)), "a row value is in the log")
    write_target(shop, "INSERT INTO {items} (id, name) VALUES (7, 'i7')")
    shop.mended()


def row_inserted_by_somebody_else(options):
    shop = Shop(options)
    shop.pipeline.catch_up(60)
    write_target(shop, "INSERT INTO {items} (id, name) VALUES (1000, 'mine')")
    shop.sql("INSERT INTO lab.items VALUES (1000, 'theirs')")
    result = shop.refused(POLICY, "items")
    require("theirs" not in result.stderr and "mine" not in result.stderr,
            "a row value is in the error")
    write_target(shop, "DELETE FROM {items} WHERE id = 1000")
    shop.mended()


def write_target(shop, sql):
    write = shop.target.write if shop.target.engine == "sqlite" else shop.target.query
    write(sql.format(items=shop.pipeline.target_name("items")))


# ---- The target's disk and mode ----


def small_disk(size, place=None):
    """A tmpfs of its own, or over a folder whose files it then has."""
    folder = place or Path("/tmp") / unique("martlet-small")
    folder.mkdir(exist_ok=place is not None)
    inside = {path.name: path.read_bytes() for path in folder.iterdir()}
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    at_end(lambda: (subprocess.run(["umount", "-l", str(folder)], check=False),
                    None if place else folder.rmdir()))
    for name, content in inside.items():
        (folder / name).write_bytes(content)
    for path in [folder, *folder.iterdir()]:
        shutil.chown(path, "postgres", "postgres")
    return folder


def remount(folder, options):
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def disk_full(options):
    """A49: the target's disk, a small tmpfs, fills under the load and again under the stream: it
    is said, `run` waits or ends with 75, nothing is lost, and with room it goes on."""
    if options.target == "sqlite":
        folder = small_disk("600k")
        target = FileTarget(folder)
    else:
        folder, target = target_on_small_disk("24m")
    shop = Shop(options, target=target)
    run = fills(shop, shop.pipeline.start(), 1_000, 30_000, folder, "64m")
    try:
        shop.pipeline.wait_live(run, 60)
        run = fills(shop, run, 100_000, 140_000, folder, "512m")
        shop.write_more()
        shop.pipeline.wait_caught_up(run, 120)
        run.stop()
    finally:
        run.kill()
    require_equal(shop.source, shop.target, shop.pipeline)


def fills(shop, run, first, last, folder, room):
    """Writes more than the disk holds; then there is more of it. The run that goes on."""
    said = len(run.text())
    shop.sql("INSERT INTO lab.orders SELECT g, 1, repeat('x', 1000) "
             f"FROM {shop.source.series(first, last)}")
    wait_until(lambda: run.code is not None or says_full(run.text()[said:]), 60, "it says: full",
               0.2)
    if run.code is None:
        wait_until(lambda: says_full(str(shop.pipeline.status() or {})), 30, "status says: full")
        run.stop()
    else:
        require(run.code == TEMPORARY, f"ended with {run.code}: {run.tail()}")
    for head in ("error:", "why:", "try:", "free disk space"):
        require(head in run.text(), f"no '{head}' in {run.tail()}")
    remount(folder, f"size={room}")
    return shop.pipeline.start()


def target_on_small_disk(size):
    """A database whose tables lie on a file system of their own, of a server of this program."""
    server = lab.PrivateServer("pg15")
    folder = small_disk(size)
    target = Target(server)
    server.query(f"CREATE TABLESPACE small LOCATION '{folder}'")
    server.query(f"ALTER DATABASE {target.name} SET TABLESPACE small")
    return folder, target


def log_disk_full(options):
    """The disk of the target's log fills: the server ends at once. Started with room, it recovers,
    and so does `run`."""
    if options.target == "sqlite":
        return
    server = lab.PrivateServer("pg15")
    server.stop()
    folder = small_disk("40m")
    log = server.folder / "data/pg_wal"
    shutil.copytree(log, folder, dirs_exist_ok=True)
    shutil.rmtree(log)
    log.symlink_to(folder)
    for path in [folder, *folder.rglob("*")]:
        shutil.chown(path, "postgres", "postgres")
    server.start()
    shop = Shop(options, target=Target(server))
    shop.sql("INSERT INTO lab.orders SELECT g, 1, repeat('x', 1000) "
             f"FROM {shop.source.series(1000, 80000)}")
    run = shop.pipeline.start()
    try:
        wait_until(lambda: "error:" in run.text(), 60, "it says that the target went", 0.2)
        require(run.code in (None, TEMPORARY), f"ended with {run.code}: {run.tail()}")
        remount(folder, "size=1g")
        lock = server.folder / "data/postmaster.pid"
        if lock.exists():
            try:
                server.stop("immediate")
            except subprocess.CalledProcessError:  # it goes down by itself, for want of a log
                wait_until(lambda: not lock.exists(), 60, "the server is down", 0.2)
        server.start()
        run = run if run.code is None else shop.pipeline.start()
        shop.write_more()
        shop.pipeline.wait_caught_up(run, 120)
        run.stop()
    finally:
        run.kill()
    require_equal(shop.source, shop.target, shop.pipeline)


def says_full(text):
    return re.search("disk is full|no space left|53100|table .* is full|disk full", text,
                     re.IGNORECASE)


def read_only_by_default(options):
    """A default is not a prohibition: said, and switched off for Martlet's own sessions."""
    if options.target == "sqlite":
        return
    shop = Shop(options)
    shop.target.query(f"ALTER ROLE {shop.target.apply} SET default_transaction_read_only = on")
    result = shop.pipeline.call("check")
    require(result.returncode == 0 and "read_only" in result.stdout, f"check: {result.stdout}")
    shop.mended()


def read_only_file(options):
    """A file system that takes nothing: before the start, and under a run."""
    folder = small_disk("50m")
    shop = Shop(options, target=FileTarget(folder))
    shop.pipeline.catch_up(60)
    remount(folder, "ro")
    shop.write_more()
    result = shop.pipeline.call("run", "--until-caught-up", timeout=60)
    require_message(result, result.returncode)
    require(result.returncode in (PREFLIGHT, TEMPORARY), f"ended with {result.returncode}")
    remount(folder, "rw")
    shop.mended()


def permission_lost(options):
    """The apply role loses its tables under a run; with them back, the next start goes on."""
    if options.target == "sqlite":
        return
    shop = Shop(options)
    target = shop.target
    run = shop.pipeline.start()
    try:
        shop.pipeline.wait_live(run, 60)
        target.query("ALTER TABLE lab.items OWNER TO postgres; REVOKE ALL ON lab.items FROM "
                     f"{target.apply}")
        shop.write_more()
        code = run.wait(60)
        require(code == PREFLIGHT, f"ended with {code}: {run.tail()}")
        for head in ("error:", "why:", "try:"):
            require(head in run.text(), f"no '{head}' in {run.tail()}")
    finally:
        run.kill()
    target.query(f"ALTER TABLE lab.items OWNER TO {target.apply}")
    shop.mended()


def no_create_at_target(options):
    if options.target == "sqlite":
        return
    shop = Shop(options)
    target = shop.target
    target.query(f"REVOKE CREATE ON DATABASE {target.name} FROM {target.apply}")
    shop.refused(PREFLIGHT, "create|permission|privilege")
    target.query(f"GRANT CREATE ON DATABASE {target.name} TO {target.apply}")
    shop.mended()


OF_POSTGRES_SOURCES = [
    wrong_password, wal_level, no_replication, no_select, no_publication, no_slot_left, row_security,
    slot_ahead, slot_missing, slot_made_again, slot_lost, failover, other_source, plugin_not_allowed,
    no_key,
]
OF_POSTGRES_TARGETS = [log_disk_full, read_only_by_default, permission_lost, no_create_at_target]
OF_ALL = [
    source_unreachable, target_unreachable, unknown_key, no_match, target_does_not_fit,
    target_has_rows, target_type_differs, row_changed_by_somebody_else,
    row_inserted_by_somebody_else, read_only_file,
]


def cases(options):
    """bad_mysql_source.py has those of MySQL and MariaDB sources."""
    if options.source.startswith("pg"):
        yield from OF_POSTGRES_SOURCES
    else:
        import bad_mysql_source
        yield from bad_mysql_source.CASES
    yield from OF_ALL
    if options.target.startswith("pg"):
        yield from OF_POSTGRES_TARGETS
    if options.target.startswith(("pg", "sqlite")):
        yield disk_full
    else:
        import bad_mysql_target
        yield from bad_mysql_target.CASES


def alone(case, *arguments):
    try:
        case(*arguments)
    finally:
        while Shop.opened:
            Shop.opened.pop().close()


if __name__ == "__main__":
    chosen = arguments(__doc__, only="")
    proof = Proof()
    for case in cases(chosen):
        if chosen.only == "" or case.__name__ in chosen.only.split(","):
            proof.check("bad input: " + case.__name__.replace("_", " "), alone, case, chosen)
    proof.end()
