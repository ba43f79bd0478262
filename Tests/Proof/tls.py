#!/usr/bin/python3
"""TLS and passwords as libpq has them: verify-full takes the right authority only, and no password
shows in logs, errors, status, files of the pipeline or arguments.
"""

import os
from pathlib import Path

from bad_input import require_message
from lab import (LAB, Pipeline, Server, Source, Target, require, require_equal, unique,
                 wait_until)
from setting import Proof, arguments

PREFLIGHT = 3
RIGHT, WRONG = LAB / "tls/ca.crt", LAB / "tls/wrong-ca.crt"
HOST = "localhost"  # what the servers' certificate is made out to


class Ends:
    """Both ends over TCP, each role with a password of its own."""

    def __init__(self, options):
        self.source, self.target = Source(Server(options.source)), Target(Server(options.target))
        self.sql("CREATE TABLE lab.items (id int PRIMARY KEY, name text)")
        self.sql("INSERT INTO lab.items SELECT g, 'i' || g FROM generate_series(1, 200) g")
        self.secrets = {"source": unique("secret"), "target": unique("secret")}
        self.source.query(f"ALTER ROLE {self.source.capture} PASSWORD '{self.secrets['source']}'")
        self.target.query(f"ALTER ROLE {self.target.apply} PASSWORD '{self.secrets['target']}'")
        self.pipeline = Pipeline(self.source, self.target)
        self.pipeline.install()
        self.said = []

    def sql(self, text):
        self.source.query(text, self.source.installer)

    def place(self, source=RIGHT, target=RIGHT, host=HOST, passwords=False, more=""):
        def url(end, role, side, authority):
            word = f":{self.secrets[side]}" if passwords else ""
            return (f"postgres://{role}{word}@{host}:{end.server.port}/{end.name}"
                    f"?sslmode=verify-full&sslrootcert={authority}{more}")
        self.pipeline.target_url = url(self.target, self.target.apply, "target", target)
        self.pipeline.write("pipeline", url(self.source, self.source.capture, "source", source))

    def variables(self):
        return {f"MARTLET_{side.upper()}_PASSWORD": word for side, word in self.secrets.items()}

    def password_file(self):
        path = self.pipeline.folder / "pgpass"
        path.write_text(
            f"*:*:{self.source.name}:{self.source.capture}:{self.secrets['source']}\n"
            f"*:*:{self.target.name}:{self.target.apply}:{self.secrets['target']}\n")
        path.chmod(0o600)
        return {"PGPASSFILE": str(path)}

    def refused(self, environment, *words):
        for command in ("run", "check"):
            result = self.pipeline.call(command, environment=environment)
            require_message(result, PREFLIGHT, words)
            require(len(result.stderr.splitlines()) <= 4, f"over 4 lines: {result.stderr}")
            self.said += [result.stdout, result.stderr]

    def converges(self, environment):
        """A run under which rows arrive; every session of both roles is encrypted."""
        run = self.pipeline.start("--log-level", "trace", environment=environment)
        try:
            self.pipeline_wait(run, environment)
            self.require_encrypted()
            self.said += [shown(run.pid)]
            run.stop()
        finally:
            run.kill()
        self.said += [run.text()]
        require_equal(self.source, self.target)

    def pipeline_wait(self, run, environment):
        self.sql("INSERT INTO lab.items SELECT max(id) + 1, 'more' FROM lab.items")
        count = self.source.value("SELECT count(*) FROM lab.items")
        there = "SELECT to_regclass('lab.items') IS NOT NULL"
        wait_until(lambda: run.must_live() and self.target.value(there)
                   and self.target.value("SELECT count(*) FROM lab.items") == count, 60,
                   "the new row at the target", 0.1)
        for arguments_ in ((), ("--json",)):
            result = self.pipeline.call("status", *arguments_, environment=environment)
            require(result.returncode == 0, f"status: {result.stderr}")
            self.said += [result.stdout, result.stderr]

    def require_encrypted(self):
        for end, role in ((self.source, self.source.capture), (self.target, self.target.apply)):
            rows = end.query("SELECT s.ssl, count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a "
                             f"USING (pid) WHERE a.usename = '{role}' GROUP BY 1")
            require([row[0] for row in rows] == [True], f"{role}: encrypted or not: {rows}")

    def require_no_secret(self):
        kept = [path.read_text(encoding="utf-8", errors="replace")
                for path in self.pipeline.folder.rglob("*")
                if path.is_file() and path.suffix != ".yaml" and path.name != "pgpass"]
        state = self.target.query("SELECT * FROM martlet.pipeline")
        everything = "\n".join([*self.said, *kept, str(state)])
        require("lab.items" in everything, "nothing was looked at")
        for side, word in self.secrets.items():
            require(word not in everything, f"the password of the {side} is shown")


def shown(pid):
    """What `ps` shows of a process. Its environment is for its owner only."""
    process = Path(f"/proc/{pid}")
    title = "\n".join((process / name).read_bytes().decode().replace("\0", " ")
                      for name in ("cmdline", "comm"))
    require("run" in title, f"not the process: {title}")
    return title


def right_authority(options):
    ends = Ends(options)
    ends.place()
    for environment in (ends.variables(), ends.password_file()):
        ends.converges(environment)
    ends.place(passwords=True)
    ends.converges({})
    ends.require_no_secret()


def wrong_authority(options):
    ends = Ends(options)
    ends.place(source=WRONG)
    ends.refused(ends.variables(), "certificate verify failed", f"{HOST}:{ends.source.server.port}")
    ends.place(target=WRONG)
    ends.refused(ends.variables(), "certificate verify failed", f"{HOST}:{ends.target.server.port}")
    ends.place(more="&hostaddr=127.0.0.1", host="another.example")
    ends.refused(ends.variables(), "does not match host name", "another.example")
    ends.place(source="/nonexistent/ca.crt")
    ends.refused(ends.variables(), "/nonexistent/ca.crt")
    ends.place(passwords=True)
    ends.converges({})
    ends.require_no_secret()


def wrong_password(options):
    ends = Ends(options)
    ends.place()
    wrong = {**ends.variables(), "MARTLET_SOURCE_PASSWORD": ends.secrets["target"]}
    ends.refused(wrong, "password")
    ends.refused({"PGPASSFILE": os.devnull}, "password")
    ends.converges(ends.variables())
    ends.require_no_secret()


if __name__ == "__main__":
    chosen = arguments(__doc__)
    proof = Proof()
    for case in (right_authority, wrong_authority, wrong_password):
        proof.check("tls: " + case.__name__.replace("_", " "), case, chosen)
    proof.end()
