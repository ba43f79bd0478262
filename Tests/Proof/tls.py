#!/usr/bin/python3
"""TLS and passwords as libpq has them: verify-full takes the right authority only, and no password
shows in logs, errors, status, files of the pipeline or arguments.
"""

import os
from pathlib import Path

from bad_input import require_message
from lab import (LAB, Pipeline, make_source, make_target, require, require_equal, unique,
                 wait_until)
from setting import Proof, arguments

PREFLIGHT = 3
RIGHT, WRONG = LAB / "tls/ca.crt", LAB / "tls/wrong-ca.crt"
HOST = "localhost"  # what the servers' certificate is made out to


class Ends:
    """Both ends over TCP, each role with a password of its own."""

    def __init__(self, options):
        self.source, self.target = make_source(options.source), make_target(options.target)
        self.sql("CREATE TABLE lab.items (id int PRIMARY KEY, name text)")
        self.sql("INSERT INTO lab.items SELECT g, concat('i', g) "
                 f"FROM {self.source.series(1, 200)}")
        self.secrets = {"source": unique("secret"), "target": unique("secret")}
        self.roles = ((self.source, self.source.capture), (self.target, self.target.apply))
        self.pipeline = Pipeline(self.source, self.target)
        self.pipeline.install()
        for (end, role), word in zip(self.roles, self.secrets.values()):
            end.set_password(role, word)
            end.demand_tls(role)
        self.said = []

    def sql(self, text):
        """`lab` stands for the schema."""
        self.source.query(text.replace("lab.", f"{self.source.schema}."), self.source.installer)

    def place(self, wrong=None, host=HOST, authority=RIGHT, more="", mode="verify-full",
              passwords=False):
        """`wrong` is the side that has the other arguments; the other one is as it should be."""
        urls = {}
        for (end, role), side in zip(self.roles, self.secrets):
            where, said = (host, f"sslmode={mode}&sslrootcert={authority}{more}") if side == wrong \
                else (HOST, f"sslmode=verify-full&sslrootcert={RIGHT}")
            word = self.secrets[side] if passwords else None
            urls[side] = end.over_tcp(role, where, word, said)
        self.pipeline.target_url = urls["target"]
        self.pipeline.write("pipeline", urls["source"])

    def variables(self):
        return {f"MARTLET_{side.upper()}_PASSWORD": word for side, word in self.secrets.items()}

    def password_file(self):
        """As the servers' own clients have them."""
        folder = self.pipeline.folder
        for name, text in (
                ("pgpass", "".join(f"*:*:{end.name}:{role}:{self.secrets[side]}\n" for (end, role), side
                                   in zip(self.roles, self.secrets) if end.engine == "postgresql")),
                (".my.cnf", "".join(f"[client]\npassword = {self.secrets[side]}\n" for (end, _), side
                                    in zip(self.roles, self.secrets) if end.engine != "postgresql"))):
            (folder / name).write_text(text)
            (folder / name).chmod(0o600)
        return {"PGPASSFILE": str(folder / "pgpass"), "HOME": str(folder)}

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
        place = f"{self.target.schema}.items"
        count = self.source.value(f"SELECT count(*) FROM {self.source.schema}.items")
        wait_until(lambda: run.must_live() and self.target.has(place)
                   and self.target.value(f"SELECT count(*) FROM {place}") == count, 60,
                   "the new row at the target", 0.1)
        for arguments_ in ((), ("--json",)):
            result = self.pipeline.call("status", *arguments_, environment=environment)
            require(result.returncode == 0, f"status: {result.stderr}")
            self.said += [result.stdout, result.stderr]

    def require_encrypted(self):
        for end, role in self.roles:
            end.require_encrypted(role)

    def require_no_secret(self):
        kept = [path.read_text(encoding="utf-8", errors="replace")
                for path in self.pipeline.folder.rglob("*")
                if path.is_file() and path.suffix != ".yaml" and path.name not in ("pgpass", ".my.cnf")]
        state = self.target.query("SELECT * FROM martlet.pipeline")
        everything = "\n".join([*self.said, *kept, str(state)])
        require(f"{self.source.schema}.items" in everything, "nothing was looked at")
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
    for (end, _), side in zip(ends.roles, ends.secrets):
        ends.place(side, authority=WRONG)
        ends.refused(ends.variables(), end.WRONG_AUTHORITY, f"{HOST}:{end.server.port}")
        host, more, word = end.OTHER_NAME
        ends.place(side, host=host, more=more)
        ends.refused(ends.variables(), word, host)
        ends.place(side, authority="/nonexistent/ca.crt")
        ends.refused(ends.variables(), "/nonexistent/ca.crt")
    ends.place(passwords=True)
    ends.converges({})
    ends.require_no_secret()


def wrong_password(options):
    ends = Ends(options)
    ends.place()
    words = ends.variables()
    for side in words:
        ends.refused({**words, side: "another"}, "password")
        ends.refused({**words, side: "", "PGPASSFILE": os.devnull, "HOME": "/nonexistent"},
                     "password")
    ends.converges(words)
    ends.require_no_secret()


def client_certificate(options):
    """MySQL and MariaDB may ask for one. The server's own is signed by the same authority."""
    ends = Ends(options)
    ends.target.demand_tls(ends.target.apply, "X509")
    ends.place()
    ends.refused(ends.variables(), "password|certificate")
    own = [f"&sslcert={LAB}/tls/server.crt&sslkey={LAB}/tls/{name}.key"
           for name in ("wrong-ca", "server")]
    ends.place("target", more=own[0])
    ends.refused(ends.variables(), "certificate|key")
    ends.place("target", more=own[1])
    ends.converges(ends.variables())
    ends.require_no_secret()


def without_tls(options):
    """A password that the server would have to see is not shown to somebody unknown."""
    ends = Ends(options)
    ends.target.demand_tls(ends.target.apply, "NONE")
    ends.place("target", mode="disable")
    if ends.target.engine == "mysql":
        ends.refused(ends.variables(), "get-server-public-key=true")
        ends.place("target", mode="disable", more="&get-server-public-key=true")
    ends.pipeline.catch_up(60, environment=ends.variables())
    require_equal(ends.source, ends.target)


if __name__ == "__main__":
    chosen = arguments(__doc__)
    proof = Proof()
    cases = [right_authority, wrong_authority, wrong_password]
    if not chosen.target.startswith("pg"):
        cases += [client_certificate, without_tls]
    for case in cases:
        proof.check("tls: " + case.__name__.replace("_", " "), case, chosen)
    proof.end()
