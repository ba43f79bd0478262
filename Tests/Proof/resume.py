#!/usr/bin/python3
"""What a run that ends, is killed or falls behind leaves for the next one.

- `--until POSITION` ends there and has applied nothing behind it (A53).
- A TRUNCATE explains the table's new file also to the run after a kill (P47).
- A TRUNCATE that waits far back in the log is no unseen change.
- An unseen rewrite is still found afterwards.
- A table that is locked at the source delays its own load only.
- An idle source of MySQL or MariaDB that begins new files and purges the old ones loses nothing.
- XA transactions that are prepared while a run is killed arrive when they commit (B20).
- Rows without a parent stop a run by name; mended at the source, the next one goes on.
- `--start-at` takes over a slot and a target that somebody else filled, and nothing less certain.
"""

import threading
import time

from lab import (Pipeline, Proof, make_source, make_target, private_server, require, require_equal,
                 wait_until)
from setting import arguments, private


class Case:
    """One small table, followed."""

    def __init__(self, options, server=None):
        self.source = make_source(server or options.source)
        self.target = make_target(options.target)
        self.sql("CREATE TABLE {t} (id int PRIMARY KEY, v text)")
        self.sql(f"INSERT INTO {{t}} SELECT g, 'a' FROM {self.source.series(1, 200)}")
        # One worker: it loads one table after the other.
        self.pipeline = Pipeline(
            self.source, self.target, {"snapshot": {"workers": 1, "chunk_rows": 50}})
        self.pipeline.install()

    def sql(self, text):
        self.source.query(text.format(t=f"{self.source.schema}.t", zz=f"{self.source.schema}.zz"),
                          user=self.source.installer)

    def follow(self):
        run = self.pipeline.start()
        self.pipeline.wait_live(run, 60)
        self.pipeline.wait_caught_up(run, 60)
        return run

    def equal(self):
        require_equal(self.source, self.target, self.pipeline)


def until(case):
    case.sql("INSERT INTO {t} VALUES (1001, 'wanted')")
    case.pipeline.catch_up(60)
    case.sql("INSERT INTO {t} VALUES (1002, 'wanted')")
    position = case.source.place()
    case.sql("INSERT INTO {t} VALUES (1003, 'beyond')")
    run = case.pipeline.start("--until", position)
    code = run.wait(30)
    require(code == 0, f"run --until ended with {code}: {run.tail()}")
    table = case.pipeline.target_name("t")
    found = case.target.query(f"SELECT id FROM {table} WHERE id > 1000 ORDER BY id")
    require([row[0] for row in found] == [1001, 1002], f"at the target: {found}")
    parse = case.source.parse
    require(parse(case.pipeline.status()["applied"]) <= parse(position),
            "applied beyond the position")
    case.pipeline.catch_up(60)
    case.equal()


def killed_after_truncate(case):
    run = case.follow()
    case.sql("TRUNCATE {t}")
    case.sql("INSERT INTO {t} VALUES (1, 'b')")
    case.pipeline.wait_caught_up(run, 60)
    run.kill()
    run = case.pipeline.start()
    until = time.monotonic() + 45
    wait_until(lambda: run.must_live() and time.monotonic() > until, 60, "it stays", 0.5)
    run.stop()
    case.equal()


def behind_a_truncate(case):
    """The stream hangs at the target for longer than an unexplained file is waited for."""
    run = case.follow()
    let_go = case.target.hold(case.pipeline.target_name("t"), readable=True)
    case.sql("INSERT INTO {t} VALUES (1001, 'waits')")
    case.sql("TRUNCATE {t}")
    until = time.monotonic() + 45
    wait_until(lambda: run.must_live() and time.monotonic() > until, 60, "it stays", 0.5)
    let_go()
    case.pipeline.wait_caught_up(run, 60)
    run.must_live()
    case.equal()
    run.stop()


def locked_at_the_source(case):
    """Whoever holds a table that is to be loaded delays its load and nothing else."""
    case.sql(f"INSERT INTO {{t}} SELECT g, 'a' FROM {case.source.series(201, 40000)}")
    case.sql("CREATE TABLE {zz} (n int)")
    if case.source.engine == "postgresql":
        case.sql("ALTER TABLE {zz} REPLICA IDENTITY FULL")
    case.sql("INSERT INTO {zz} VALUES (1), (1)")
    case.pipeline.install()
    run = case.pipeline.start()
    journal = f"SELECT count(*) FROM martlet.chunk WHERE pipeline = '{case.pipeline.name}'"
    # The other table's chunks are many: this one's turn has not come.
    wait_until(lambda: case.target.has("martlet.chunk") and case.target.value(journal), 60,
               "the load began")
    let_go = case.source.hold(f"{case.source.schema}.zz")
    wait_until(lambda: run.must_live() and case.pipeline.table("t").get("state") == "live", 60,
               "the other table is live")
    time.sleep(15)
    run.must_live()
    status = case.pipeline.status()
    require("locked" in (status["waiting"] or ""), f"status does not say why: {status}")
    let_go()
    case.pipeline.wait_live(run, 60)
    require("trying again" not in run.text(), f"the stream was stopped: {run.tail()}")
    run.stop()
    case.equal()


def started_at_a_position(case):
    """As after a copy by pg_dump under the slot's snapshot: the rows up to it are there."""
    case.pipeline.catch_up(60)
    case.source.query(f"ALTER ROLE {case.source.installer} REPLICATION")
    result = case.pipeline.call("drop", "--yes", path=case.pipeline.install_path)
    require(result.returncode == 0, f"drop: {result.stderr}")
    case.pipeline.call("check", "--install", path=case.pipeline.install_path)
    slot = f"martlet_{case.pipeline.name}"
    case.pipeline.options["slot"] = slot
    case.pipeline.path = case.pipeline.write("pipeline", case.source.url(case.source.capture))
    position = case.source.value(
        f"SELECT lsn FROM pg_create_logical_replication_slot('{slot}', 'pgoutput')")
    case.sql("INSERT INTO {t} VALUES (1001, 'behind')")
    case.sql("DELETE FROM {t} WHERE id = 7")
    for place, words in (("lsn:0/1", "not sent"), ("lsn:FFFFFF/0", "ends at")):
        refuse_start(case, place, words)
    run = case.pipeline.start(*start_at(f"lsn:{position}"), "--until-caught-up")
    require(run.wait(60) == 0, f"--start-at ended with {run.code}: {run.tail()}")
    case.equal()
    result = case.pipeline.call("run", *start_at(f"lsn:{position}"))
    require(result.returncode == 2 and "has begun" in result.stderr, f"again: {result.stderr}")
    case.sql("INSERT INTO {t} VALUES (1002, 'later')")
    case.pipeline.catch_up(60)
    case.equal()


def started_at_a_binlogs_position(case, forms):
    """As after a dump that says where it was taken, by GTIDs or by file and offset."""
    case.pipeline.catch_up(60)
    for number, form in enumerate(forms):
        place = case.source.gtids() if form == "gtid" else f"binlog.{case.source.place()}"
        result = case.pipeline.call("drop", "--yes", path=case.pipeline.install_path)
        require(result.returncode == 0, f"drop: {result.stderr}")
        case.sql(f"INSERT INTO {{t}} VALUES ({1001 + number}, 'behind')")
        case.sql(f"DELETE FROM {{t}} WHERE id = {7 + number}")
        for wrong, words in ((f"gtid:{UNKNOWN[case.source.engine]}", "does not know"),
                             ("binlog:binlog.4194303:4", "no such file")):
            if wrong.split(":")[0] in forms:
                refuse_start(case, wrong, words)
        run = case.pipeline.start(*start_at(f"{form}:{place}"), "--until-caught-up")
        require(run.wait(60) == 0, f"--start-at {form} ended with {run.code}: {run.tail()}")
        case.equal()
        case.sql(f"INSERT INTO {{t}} VALUES ({2001 + number}, 'later')")
        case.pipeline.catch_up(60)
        case.equal()


# Of a server that there is not.
UNKNOWN = {"mysql": "11111111-2222-3333-4444-555555555555:1-9", "mariadb": "77-1-9"}


def start_at(position):
    return "--snapshot", "never", "--start-at", position


def refuse_start(case, position, words):
    """And the slot stays, whatever is tried next."""
    result = case.pipeline.call("run", *start_at(position))
    require(result.returncode == 6 and words in result.stderr, f"{position}: {result.stderr}")
    result = case.pipeline.call("run", "--until-caught-up")
    require(result.returncode == 2 and "--start-at" in result.stderr, f"without: {result.stderr}")


def idle_while_files_go(case):
    """The position goes along with the files, though no transaction does; so a purge takes nothing,
    neither under a run nor while there is none."""
    run = case.follow()
    server, parse = case.source.server, case.source.parse

    def applied():
        return parse(case.pipeline.status()["applied"])

    def begin_files():
        for _ in range(12):
            server.query("FLUSH BINARY LOGS")
        last = server.query("SHOW BINARY LOGS")[-1][0]

        def purged():
            server.query(f"PURGE BINARY LOGS TO '{last}'")
            return len(server.query("SHOW BINARY LOGS")) == 1
        wait_until(purged, 30, "the old files are gone", 0.5)
    begin_files()
    end = case.source.position()
    wait_until(lambda: run.must_live() and applied() >= end, 20, "status shows the log's end", 0.2)
    case.sql("INSERT INTO {t} VALUES (1001, 'behind the files')")
    case.pipeline.wait_caught_up(run, 30)
    begin_files()
    wait_until(lambda: run.must_live() and applied() >= case.source.position(), 20,
               "status shows the log's end", 0.2)
    require(case.pipeline.status()["lag_seconds"] < 3, "an idle source lags")
    run.kill()
    begin_files()
    case.sql("INSERT INTO {t} VALUES (1002, 'after a kill')")
    case.pipeline.catch_up(60)
    case.equal()


# How rows get in that a foreign key would refuse, and the end of it.
UNCHECKED = {"postgresql": ("SET session_replication_role = replica", "RESET session_replication_role"),
             "mysql": ("SET foreign_key_checks = 0", "SET foreign_key_checks = 1")}


def mended_behind_the_load(case):
    """The second run is to come to what mends the rows, though it lies behind much else."""
    off, on = UNCHECKED["postgresql" if case.source.engine == "postgresql" else "mysql"]
    owner = "postgres" if case.source.engine == "postgresql" else "root"

    def write(text):
        schema = case.source.schema
        case.source.query(text.format(t=f"{schema}.t", zz=f"{schema}.zz"), user=owner)
    write("CREATE TABLE {zz} (id int PRIMARY KEY, t int, "
          "CONSTRAINT of_t FOREIGN KEY (t) REFERENCES {t} (id)); "
          f"{off}; INSERT INTO {{zz}} VALUES (1, 1), (2, 999999); {on}")
    if case.source.engine == "postgresql":
        write(f"GRANT SELECT ON {{zz}} TO {case.source.capture}")
        case.pipeline.install_path = case.pipeline.write("install", case.source.url(owner))
        case.pipeline.install()
    for _ in range(2):
        result = case.pipeline.call("run", "--until-caught-up")
        require(result.returncode == 6 and "make foreign key of_t" in result.stderr
                and "NOT EXISTS" in result.stderr, f"{result.returncode}: {result.stderr}")
    write(f"INSERT INTO {{t}} SELECT g, 'more' FROM {case.source.series(1000, 60000)}")
    write("DELETE FROM {zz} WHERE id = 2")
    case.pipeline.catch_up(60)
    case.equal()


class Prepared:
    """An XA transaction that is left prepared, in a session of its own."""

    def __init__(self, case, name, *statements):
        self.link = case.source.connect()
        self.xid = f"'{case.source.name}', '{name}'"
        self.run(f"XA START {self.xid}", *statements, f"XA END {self.xid}", f"XA PREPARE {self.xid}")

    def run(self, *statements):
        with self.link.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def end(self, word):
        self.run(f"XA {word} {self.xid}")
        self.link.close()


def killed_while_prepared(case):
    """Killed between PREPARE and the end, with one that is open all the time and others that come
    and go; also while its commit is on the way."""
    run = case.follow()
    long = Prepared(case, "long", "INSERT INTO t VALUES (2000, 'long')")
    for number in range(6):
        row = 2001 + 10 * number
        kept = Prepared(case, f"kept {number}", f"INSERT INTO t VALUES ({row}, 'kept')",
                        f"UPDATE t SET v = 'kept {number}' WHERE id = 1")
        undone = Prepared(case, f"undone {number}", f"INSERT INTO t VALUES ({row + 1}, 'undone')")
        case.sql(f"INSERT INTO {{t}} VALUES ({row + 2}, 'between')")
        if number % 2:
            case.pipeline.wait_caught_up(run, 60)
        run.kill()
        if number == 2:
            case.source.server.query("FLUSH BINARY LOGS")
        if number % 3 == 0:
            kept.end("COMMIT")
        run = case.pipeline.start()
        if number % 3:
            kept.end("COMMIT")
        undone.end("ROLLBACK")
        case.sql(f"UPDATE {{t}} SET v = 'later' WHERE id = {row}")
        if number % 2:
            run.kill()
            run = case.pipeline.start()
    case.pipeline.wait_caught_up(run, 60)
    case.equal()
    run.kill()
    long.end("COMMIT")
    case.pipeline.catch_up(60)
    case.equal()
    case.sql("UPDATE {t} SET v = 'last' WHERE id = 2000")
    case.pipeline.catch_up(60)
    case.equal()


def rewritten_after_truncate(case):
    run = case.follow()
    case.sql("TRUNCATE {t}")
    case.sql("INSERT INTO {t} VALUES (1, 'b')")
    case.pipeline.wait_caught_up(run, 60)
    time.sleep(12)  # a look in between takes the TRUNCATE's file
    case.source.query("VACUUM FULL lab.t")
    code = run.wait(90)
    require(code == 6, f"an unseen rewrite ended the run with {code}: {run.tail()}")


def main():
    options = arguments(__doc__)
    cases = {
        "ends at the position asked for": until,
        "killed after a TRUNCATE": killed_after_truncate,
        "behind a TRUNCATE": behind_a_truncate,
        "rewritten after a TRUNCATE": rewritten_after_truncate,
        "locked at the source": locked_at_the_source,
        "started at a position": started_at_a_position,
        "rows without a parent are mended": mended_behind_the_load,
    }
    if options.target == "sqlite":
        del cases["rows without a parent are mended"]  # foreign keys are off there
        # These look into a PostgreSQL target.
        del cases["behind a TRUNCATE"], cases["locked at the source"]
    if not options.source.startswith("pg"):
        del cases["rewritten after a TRUNCATE"]  # MySQL says every rewrite in its log
        # Its own server: files go from under all pipelines of one.
        own = Case(options, private_server(options.source))
        cases["killed while XA transactions are prepared"] = killed_while_prepared
        cases["idle while files go"] = lambda _: idle_while_files_go(own)
        # Which GTIDs were written before a place, MySQL does not tell.
        forms = ["gtid"] if options.source.startswith("mysql") else ["gtid", "binlog"]
        cases["started at a position"] = lambda case: started_at_a_binlogs_position(case, forms)
    proof = Proof()
    # Slots of others would hold back what tells its age.
    alone = {"started at a position": private(options.source, late=False)} \
        if options.source.startswith("pg") else {
            # What is prepared holds up every load of the server, and starts behind it.
            "killed while XA transactions are prepared": private_server(options.source)}
    # Most of their time is waiting.
    threads = [threading.Thread(target=proof.check,
                                args=(name, action, Case(options, alone.get(name))))
               for name, action in cases.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    proof.end()


if __name__ == "__main__":
    main()
