#!/usr/bin/python3
"""Runs the scenarios: folders of SQL, each showing one thing end to end.

    schema.sql     at the source before the load (as the installer; schema `lab` in PostgreSQL, the
                   default database in MySQL and MariaDB)
    traffic.sql    at the source after the load, while no run is there: it comes through the stream
    during.sql     instead of traffic.sql: while the load runs
    target.sql     at the PostgreSQL target before the first run; target-mysql.sql at MySQL and
                   MariaDB, in the target's database; target-sqlite.sql in files
    kept.sql       takes rows that the source has not from the target before it is compared; there
                   must be some, and no others go (kept-mysql.sql, kept-sqlite.sql)
    pipeline.json  options of the pipeline file; SCHEMA is the source's
    expect-error   first line the exit code, then texts that stderr or stdout must hold
                   (expect-error-mysql, where they differ)
    expect-sql     at the PostgreSQL target afterwards: a query that must give one row, true
    only-on        words of `pg15 pg17 pg18 mariadb1011 mariadb118 mysql97` (sources) and `to-pg
                   to-sqlite to-mysql to-mariadb` (targets; the first two without it). Folders
                   whose SQL is MySQL's name their servers
    as-superuser   schema.sql and traffic.sql run as the superuser
    encoding       of the source's database, with locale C
    without-replica-role   the apply role may not set session_replication_role

Every scenario ends equal by value, or with its error. Run: run.py [NAME-PART] [--source pg17], for
another kind of log --set binlog_row_metadata=MINIMAL. The source's family chooses the folders. One log holds what all databases of a MySQL server do: scenarios that
write what stops a pipeline run there alone.
"""

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Proof"))
from ends.mysql import SESSION  # noqa: E402
from lab import (Failed, Pipeline, Proof, at_end, differences, let_go,  # noqa: E402
                 make_source, make_target, require, shared_server)
from ends import mysql as mysql_ends  # noqa: E402

OWNED_BY = """DO $$ DECLARE t regclass; BEGIN
  FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'lab'::regnamespace AND relkind IN ('r', 'p')
  LOOP EXECUTE format('ALTER TABLE %s OWNER TO INSTALLER', t); END LOOP; END $$"""
HERE = Path(__file__).resolve().parent


def text(folder, name):
    path = folder / name
    return path.read_text(encoding="utf-8") if path.exists() else None


def psql(database, sql, user):
    """As the server's own client sends it: one statement after the other, \\ commands allowed."""
    result = subprocess.run(
        ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database.url(user)],
        input=sql, text=True, capture_output=True, check=False,
        env={**os.environ, "PGOPTIONS": "-c search_path=lab,public -c client_min_messages=error"})
    if result.returncode:
        raise Failed(f"the scenario's SQL: {result.stderr.strip()}")


def mysql(database, sql, user):
    result = subprocess.run(
        ["mariadb", "--no-defaults", f"--socket={database.server.socket}", f"--user={user}",
         "--default-character-set=utf8mb4", f"--init-command={SESSION[database.engine]}",
         database.name],
        input=sql, text=True, capture_output=True, check=False)
    if result.returncode:
        raise Failed(f"the scenario's SQL: {result.stderr.strip()}")


def suffix(end):
    return {"postgresql": "", "sqlite": "-sqlite"}.get(end.engine, "-mysql")


def send(end, sql, user):
    (psql if end.engine == "postgresql" else mysql)(end, sql, user)


class Scenario:
    def __init__(self, folder, source, targets):
        self.folder, self.source_name, self.target_names = folder, source, targets

    def text(self, name):
        return text(self.folder, name)

    def run(self):
        encoding = (self.text("encoding") or "").strip()
        source = make_source(self.source_name, **({"encoding": encoding} if encoding else {}))
        targets = [make_target(name) for name in self.target_names]
        try:
            self.show(source, targets)
        finally:
            let_go(source, *targets)

    def show(self, source, targets):
        superuser = "postgres" if source.engine == "postgresql" else "root"
        writer = superuser if self.text("as-superuser") is not None else source.installer
        send(source, self.text("schema.sql") or "", writer)
        if source.engine == "postgresql":
            source.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA lab TO {source.capture}")
        options = json.loads((self.text("pipeline.json") or "{}").replace("SCHEMA", source.schema))
        pipelines = []
        for target in targets:
            if target.engine == "postgresql" and self.text("without-replica-role") is not None:
                target.take_replica_role()
            self.at_target(target, "target")
            pipelines.append(Pipeline(source, target, options))
            pipelines[-1].install_path = pipelines[-1].write("install", source.url(writer))
        if self.text("expect-error") is not None:
            self.expect_error(pipelines[0], source, writer)
            return
        self.load(pipelines, source, writer)
        self.compare(pipelines, source, "after the load")
        if self.text("traffic.sql"):
            send(source, self.text("traffic.sql"), writer)
            for pipeline in pipelines:
                pipeline.catch_up(120)
            self.compare(pipelines, source, "after the traffic")
        for target in targets:
            self.expect_sql(target)

    def at_target(self, target, name):
        sql = self.text(f"{name}{suffix(target)}.sql")
        if sql and target.engine == "sqlite":
            target.write(sql)
        elif sql:
            send(target, sql, target.apply)

    def load(self, pipelines, source, writer):
        during = self.text("during.sql")
        for pipeline in pipelines:
            pipeline.install()
            if not during:
                pipeline.catch_up(120)
        if during:
            runs = [pipeline.start("--until-caught-up") for pipeline in pipelines]
            send(source, during, writer)
            for pipeline, run in zip(pipelines, runs):
                require(run.wait(120) == 0, f"run ended with {run.code}: {run.tail()}")
                pipeline.catch_up(120)

    def compare(self, pipelines, source, when):
        for pipeline in pipelines:
            followed = self.followed(pipeline)
            if self.text(f"kept{suffix(pipeline.target)}.sql") and when == "after the load":
                found = differences(source, pipeline.target, pipeline, followed)
                require(found and all(" 0 rows missing" in line for line in found),
                        f"rows that were to be kept: {found}")
                self.at_target(pipeline.target, "kept")
            found = differences(source, pipeline.target, pipeline, followed)
            require(not found, f"{pipeline.target.engine} differs {when}:\n  " + "\n  ".join(found))

    def followed(self, pipeline):
        """All tables, if the scenario leaves none out."""
        if "tables" not in pipeline.options:
            return None
        return [name.split(".", 1)[1] for name in pipeline.tables()]

    def expect_sql(self, target):
        ask = self.text("expect-sql")
        if ask and target.engine == "postgresql":
            require(target.query(ask) == [(True,)], f"expect-sql: {target.query(ask)}")

    def expect_error(self, pipeline, source, writer):
        """The error may come from `check`, from the first run, or after the traffic."""
        told = self.text("expect-error" + suffix(pipeline.target)) or self.text("expect-error")
        code, *words = told.splitlines()
        # At MySQL nothing is installed, and its installer could not capture.
        result = (pipeline.call("check", "--install", path=pipeline.install_path)
                  if source.engine == "postgresql" else pipeline.call("check"))
        steps = [lambda: pipeline.call("run", "--until-caught-up", "--progress", "none")]
        if self.text("traffic.sql"):
            steps.append(lambda: send(source, self.text("traffic.sql"), writer))
            steps.append(steps[0])
        for step in steps:
            if result is None or result.returncode == 0:
                result = step()
        said = result.stdout + result.stderr
        require(result.returncode == int(code), f"exit code {result.returncode}, not {code}: {said}")
        for word in filter(None, words):
            require(word in said, f"'{word}' is not in: {said}")


def family(name):
    return "postgresql" if name.startswith("pg") else "mysql"


def cases(folder, source):
    only = (text(folder, "only-on") or "").split()
    named = [name for name in only if not name.startswith("to-")]
    named_targets = [name for name in only if name.startswith("to-")]
    wanted = named_targets or ["to-pg", "to-sqlite"]
    if family(source) == "mysql":
        sources = [name for name in named if name == source]
    else:
        sources = [name for name in named or [source] if family(name) == "postgresql"]
    for name in sources:
        places = {"to-pg": "pg18" if name != "pg18" else "pg17", "to-sqlite": "sqlite",
                  "to-mysql": "mysql97", "to-mariadb": "mariadb118"}
        targets = [places[target] for target in wanted]
        # Of several that stop, each has a source of its own.
        alone = named_targets and (folder / "expect-error").exists()
        yield from ((name, [target]) for target in targets) if alone else [(name, targets)]


def is_alone(folder, source):
    return family(source) == "mysql" and ((folder / "expect-error").exists()
                                          or (folder / "as-superuser").exists())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="?", default="")
    parser.add_argument("--source", default="pg17")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                        help="another setting of the source's server (MySQL and MariaDB)")
    options = parser.parse_args()
    mysql_ends.variant.update(pair.split("=", 1) for pair in options.set)
    proof = Proof()
    at_end(lambda: None)  # signals are set up from the main thread
    shared_server(options.source)
    folders = sorted(path for path in HERE.iterdir() if path.is_dir()
                     and options.part in path.name and not path.name.startswith("__"))
    # Three at once: most of a scenario is waiting for servers to make and drop databases.
    for threads, chosen in [(3, [each for each in folders if not is_alone(each, options.source)]),
                            (1, [each for each in folders if is_alone(each, options.source)])]:
        with ThreadPoolExecutor(threads) as pool:
            for folder in chosen:
                for source, targets in cases(folder, options.source):
                    scenario = Scenario(folder, source, targets)
                    name = f"{folder.name} ({source} -> {', '.join(targets)})"
                    pool.submit(proof.check, name, scenario.run)
    proof.end()


if __name__ == "__main__":
    main()
