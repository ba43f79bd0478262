#!/usr/bin/python3
"""Runs the scenarios: folders of SQL, each showing one thing end to end.

    schema.sql     at the source before the load (as the installer, schema `lab`)
    traffic.sql    at the source after the load, while no run is there: it comes through the stream
    during.sql     instead of traffic.sql: while the load runs
    target.sql     at the target before the first run (PostgreSQL targets)
    pipeline.json  options of the pipeline file
    expect-error   first line the exit code, then texts that stderr or stdout must hold
    expect-sql     at the PostgreSQL target afterwards: a query that must give one row, true
    only-on        words of `pg15 pg17 pg18` (sources) and `to-pg to-sqlite` (targets)
    as-superuser   schema.sql and traffic.sql run as the superuser

Every scenario ends equal by value, or with its error. Run: run.py [NAME-PART] [--source pg17]
"""

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Proof"))
from lab import (Failed, Pipeline, Proof, Server, Source, at_end, let_go, make_target, require,  # noqa: E402
                 require_equal)

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


class Scenario:
    def __init__(self, folder, source, target):
        self.folder, self.source_name, self.target_name = folder, source, target

    def text(self, name):
        return text(self.folder, name)

    def run(self):
        source = Source(Server(self.source_name))
        target = make_target(self.target_name)
        try:
            self.show(source, target)
        finally:
            let_go(source, target)

    def show(self, source, target):
        writer = "postgres" if self.text("as-superuser") is not None else source.installer
        psql(source, self.text("schema.sql") or "", writer)
        psql(source, f"GRANT SELECT ON ALL TABLES IN SCHEMA lab TO {source.capture}", "postgres")
        # Only their owner can publish them.
        psql(source, OWNED_BY.replace("INSTALLER", source.installer), "postgres")
        if self.target_name != "sqlite" and self.text("target.sql"):
            psql(target, self.text("target.sql"), target.apply)
        options = json.loads(self.text("pipeline.json") or "{}")
        pipeline = Pipeline(source, target, options)
        if self.text("expect-error") is not None:
            return self.expect_error(pipeline, source, writer)
        pipeline.install()
        during = self.text("during.sql")
        if during:
            run = pipeline.start("--until-caught-up")
            psql(source, during, writer)
            require(run.wait(120) == 0, f"run ended with {run.code}: {run.tail()}")
        pipeline.catch_up(120)
        require_equal(source, target, pipeline)
        if self.text("traffic.sql"):
            psql(source, self.text("traffic.sql"), writer)
            pipeline.catch_up(120)
            require_equal(source, target, pipeline)
        self.expect_sql(target)
        return None

    def expect_sql(self, target):
        ask = self.text("expect-sql")
        if ask and self.target_name != "sqlite":
            require(target.query(ask) == [(True,)], f"expect-sql: {target.query(ask)}")

    def expect_error(self, pipeline, source, writer):
        """The error may come from `check`, from the first run, or after the traffic."""
        code, *words = self.text("expect-error").splitlines()
        result = pipeline.call("check", "--install", path=pipeline.install_path)
        if result.returncode == 0:
            result = pipeline.call("run", "--until-caught-up", "--progress", "none")
        if result.returncode == 0 and self.text("traffic.sql"):
            psql(source, self.text("traffic.sql"), writer)
            result = pipeline.call("run", "--until-caught-up", "--progress", "none")
        said = result.stdout + result.stderr
        require(result.returncode == int(code), f"exit code {result.returncode}, not {code}: {said}")
        for word in filter(None, words):
            require(word in said, f"'{word}' is not in: {said}")


def pairs(folder, source):
    only = (text(folder, "only-on") or "").split()
    sources = [name for name in only if not name.startswith("to-")] or [source]
    targets = [name for name in only if name.startswith("to-")] or ["to-pg", "to-sqlite"]
    for name in sources:
        if "to-pg" in targets:
            yield name, "pg18" if name != "pg18" else "pg17"
        if "to-sqlite" in targets:
            yield name, "sqlite"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="?", default="")
    parser.add_argument("--source", default="pg17")
    options = parser.parse_args()
    proof = Proof()
    at_end(lambda: None)  # signals are set up from the main thread
    # Three at once: most of a scenario is waiting for servers to make and drop databases.
    with ThreadPoolExecutor(3) as pool:
        for folder in sorted(path for path in HERE.iterdir() if path.is_dir()):
            if options.part not in folder.name or folder.name.startswith("__"):
                continue
            for source, target in pairs(folder, options.source):
                scenario = Scenario(folder, source, target)
                name = f"{folder.name} ({source} -> {target})"
                pool.submit(proof.check, name, scenario.run)
    proof.end()


main()
