#!/usr/bin/python3
"""Every folder of Tests/Scenarios: rows of schema.sql are loaded, traffic.sql is streamed, compared.

    schema.sql      tables and first rows, run by the installer in schema `lab`
    traffic.sql     statements that run once all tables are live
    target.sql      optional: what is at the target before, run by the apply role
    setup.sql       optional: run by a superuser at the source; :capture is the capture role
    pipeline.yaml   optional: keys added to the pipeline file, or instead of its own
    expect-error    optional: exit code, then one pattern a line that the message must hold
    only-on         optional: `source NAME...` and `target NAME...`

Without expect-error source and target must be equal by value at the end.
"""

import json
import os
import re
import subprocess
import threading

from lab import (REPOSITORY, Pipeline, Proof, Server, Source, lsn, make_target, require,
                 require_equal, wait_until)
from setting import arguments

FOLDER = REPOSITORY / "Tests/Scenarios"


class Scenario:
    def __init__(self, folder):
        self.folder, self.name = folder, folder.name

    def file(self, name):
        path = self.folder / name
        return path.read_text(encoding="utf-8") if path.exists() else None

    def is_for(self, source, target):
        for line in (self.file("only-on") or "").splitlines():
            end, *names = line.split()
            if {"source": source, "target": target}[end] not in names:
                return False
        return True

    def psql(self, database, user, text):
        environment = {**os.environ, "PGOPTIONS": "-c search_path=lab,public", "PGTZ": "UTC"}
        result = subprocess.run(
            ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", f"capture={database.roles[-1]}",
             "-h", str(database.server.sockets), "-p", str(database.server.port), "-U", user,
             "-d", database.name, "-f", "-"],
            input=text, text=True, capture_output=True, env=environment)
        require(result.returncode == 0, f"{self.name}: psql: {result.stderr}")

    def run(self, source_name, target_name):
        source = Source(Server(source_name))
        target = make_target(target_name)
        if self.file("setup.sql"):
            self.psql(source, "postgres", self.file("setup.sql"))
        self.psql(source, source.installer, self.file("schema.sql"))
        if self.file("target.sql") and target.apply:
            self.psql(target, target.apply, self.file("target.sql"))
        pipeline = Pipeline(source, target)
        self.add_keys(pipeline)
        expected = (self.file("expect-error") or "").splitlines()
        installed = pipeline.call("check", "--install", path=pipeline.install_path)
        if installed.returncode != 0:
            return self.judge(installed.returncode, installed.stderr + installed.stdout, expected)
        self.follow(source, target, pipeline, expected)

    def add_keys(self, pipeline):
        """The pipeline file is JSON until here: one key a line, those given anew left out."""
        added = self.file("pipeline.yaml")
        if not added:
            return
        for path in (pipeline.path, pipeline.install_path):
            own = json.loads(path.read_text(encoding="utf-8"))
            for key in re.findall(r"(?m)^(\w+):", added):
                own.pop(key, None)
            lines = [f"{key}: {json.dumps(value)}\n" for key, value in own.items()]
            path.write_text("".join(lines) + added, encoding="utf-8")

    def follow(self, source, target, pipeline, expected):
        run = pipeline.start()
        try:
            wait_until(lambda: run.code is not None or pipeline.is_live(), 60, "live", 0.05)
            if run.code is None and self.file("traffic.sql"):
                self.psql(source, source.installer, self.file("traffic.sql"))
            end = source.position()
            wait_until(lambda: run.code is not None or is_past(pipeline, end, bool(expected)), 60,
                       "caught up, or stopped" + run.tail(), 0.05)
            if run.code is not None:
                return self.judge(run.code, run.text(), expected)
            require(not expected, f"it must stop with {expected[:1]}, and goes on: {run.tail()}")
            run.stop()
        finally:
            run.kill()
        require_equal(source, target, pipeline)

    def judge(self, code, text, expected):
        require(expected, f"ended with {code}: {text[-1500:]}")
        require(code == int(expected[0]), f"ended with {code}, not {expected[0]}: {text[-1500:]}")
        for pattern in ["error:", "why:", "try:", *expected[1:]]:
            require(re.search(pattern, text), f"'{pattern}' is not in: {text[-1500:]}")


def is_past(pipeline, end, must_stop):
    # What must stop is given the whole deadline to do so.
    if must_stop:
        return False
    status = pipeline.status()
    return status and lsn(status["applied"]) >= end


def scenarios():
    return [Scenario(folder) for folder in sorted(FOLDER.iterdir()) if folder.is_dir()]


class Pool:
    """A few scenarios at a time: most of their time they wait."""

    def __init__(self, proof, jobs, width):
        self.proof, self.jobs, self.lock = proof, list(jobs), threading.Lock()
        self.threads = [threading.Thread(target=self.work) for _ in range(width)]

    def work(self):
        while True:
            with self.lock:
                if not self.jobs:
                    return
                scenario, source, target = self.jobs.pop(0)
            self.proof.check(f"{scenario.name}: {source} -> {target}", scenario.run, source, target)

    def run(self):
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join()


if __name__ == "__main__":
    chosen = arguments(__doc__, only="", routes="pg17:pg18 pg15:sqlite", width=3)
    routes = [route.split(":") for route in chosen.routes.split()]
    found = [s for s in scenarios() if not chosen.only or re.search(chosen.only, s.name)]
    chosen_jobs = [(scenario, *route) for scenario in found for route in routes
                   if scenario.is_for(*route)]
    proof = Proof()
    Pool(proof, chosen_jobs, chosen.width).run()
    proof.end()
