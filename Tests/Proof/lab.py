"""Pipelines and runs of Martlet. The ends are in ends/, what is compared in comparison.py.

Everything made here has a name of its own and is removed when the program ends, also after
Ctrl-C or SIGTERM (MARTLET_KEEP=1 keeps it for a look). Nothing waits blindly: `wait_until` looks at
a condition until a deadline.

    MARTLET_BIN   the binary (default .build/debug/martlet of this checkout)
    MARTLET_LAB   where scripts/servers keeps its servers (default /var/lib/martlet-lab)
"""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from comparison import differences, require_equal
from ends import make_source, make_target, private_server, shared_server
from ends.postgresql import PrivateServer, Server, Source, StandbyServer, Target
from ends.sqlite import FileTarget
from harness import (LAB, REPOSITORY, Failed, Proof, at_end, forget, free_port, KEEP, let_go, log,
                     require, unique, wait_until)

MARTLET = os.environ.get("MARTLET_BIN", str(REPOSITORY / ".build/debug/martlet"))


class Pipeline:
    def __init__(self, source, target, options=None, include=None, source_url=None,
                 target_url=None):
        self.source, self.target = source, target
        self.name = unique("p")
        self.folder = Path(tempfile.mkdtemp(prefix="martlet-proof-"))
        at_end(lambda: KEEP or shutil.rmtree(self.folder, ignore_errors=True))
        self.runs = []
        self.options = {
            "snapshot": {"workers": 2, "chunk_rows": 50}, "lease": "5s",
            "spool": {"directory": str(self.folder / "spool"), "max": "4GB"}, **(options or {})}
        if getattr(target, "schema", source.schema) != source.schema:
            self.options.setdefault("map", {"schemas": {source.schema: target.schema}})
        self.include = include or [f"{source.schema}.*"]
        self.target_url = target_url or target.link()
        self.path = self.write("pipeline", source_url or source.url(source.capture))
        self.install_path = self.write("install", source.url(source.installer))
        at_end(self.kill_all)

    def write(self, name, source_url):
        """JSON is YAML, and every value is quoted."""
        path = self.folder / f"{name}.yaml"
        text = {"name": self.name, "source": source_url, "target": self.target_url,
                "tables": {"include": self.include}, **self.options}
        path.write_text(json.dumps(text, indent=2) + "\n", encoding="utf-8")
        return path

    def install(self):
        """What the installer does once: the capture role makes no publication."""
        self.call("check", "--install", path=self.install_path)
        # The installer need not be able to run: what counts is what the capture role finds.
        result = self.call("check")
        require(result.returncode == 0, f"check: {result.stdout}{result.stderr}")
        self.source.check_roles()
        self.target.check_roles()

    def call(self, command, *arguments, path=None, timeout=120, environment=None):
        try:
            return subprocess.run(
                [MARTLET, command, str(path or self.path), *arguments], text=True,
                capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL,
                env={**os.environ, **(environment or {})})
        except subprocess.TimeoutExpired as expired:
            raise Failed(f"{command} {' '.join(arguments)} took over {timeout} s: "
                         f"{(expired.stderr or b'')[-2000:]}") from expired

    def start(self, *arguments, environment=None):
        run = Run(self, arguments, environment)
        self.runs.append(run)
        return run

    def status(self):
        """None while there is nothing to say yet."""
        result = self.call("status", "--json", timeout=60)
        if result.returncode not in (0, 8):
            return None
        return json.loads(result.stdout)

    def tables(self):
        status = self.status()
        return {table["source"]: table for table in (status or {}).get("tables", [])}

    def table(self, name):
        """What `status` says of a table of the source's schema; {} before it says anything."""
        return self.tables().get(f"{self.source.schema}.{name}", {})

    def target_table(self, name):
        """What the target calls it, when a run has been."""
        result = self.call("status", "--json", timeout=60)
        require(result.returncode in (0, 8),
                f"status ended with {result.returncode}: {result.stdout}{result.stderr}")
        tables = {table["source"]: table for table in json.loads(result.stdout)["tables"]}
        return tables[f"{self.source.schema}.{name}"]["target"]

    def target_name(self, name):
        """What the target's SQL calls it."""
        return self.target.named(self.target_table(name))

    def is_live(self):
        tables = self.tables()
        return bool(tables) and all(table["state"] == "live" for table in tables.values())

    def wait_live(self, run, seconds):
        wait_until(lambda: run.must_live() and self.is_live(), seconds, "all tables live", 0.2)

    def wait_caught_up(self, run, seconds):
        """Everything committed before this call is at the target, and every table is live."""
        end = self.source.position()

        def caught_up():
            run.must_live()
            status = self.status()
            return (status and self.source.parse(status["applied"]) >= end
                    and all(table["state"] == "live" for table in status["tables"]))
        wait_until(caught_up, seconds, "caught up", 0.2)

    def catch_up(self, seconds=300, environment=None):
        """A run of its own that ends when it has caught up."""
        run = self.start("--until-caught-up", environment=environment)
        code = run.wait(seconds)
        require(code == 0, f"run --until-caught-up ended with {code}: {run.tail()}")
        return run

    def counters(self):
        total = {}
        for run in self.runs:
            for name, count in run.counters().items():
                total[name] = total.get(name, 0) + count
        return total

    def streamed(self):
        """Transactions that the server sent before they committed."""
        return self.source.streamed(self.name)

    def kill_all(self):
        for run in self.runs:
            run.kill()


class Run:
    """One `martlet run`."""

    def __init__(self, pipeline, arguments=(), environment=None):
        self.log = pipeline.folder / f"run-{len(pipeline.runs) + 1}.log"
        with open(self.log, "wb") as file:
            self.process = subprocess.Popen(
                [MARTLET, "run", str(pipeline.path), "--progress", "none", *arguments],
                stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                env={**os.environ, **(environment or {})})
        self.pid = self.process.pid

    @property
    def code(self):
        return self.process.poll()

    def text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def tail(self, lines=12):
        """The last lines; of a crash, which prints much, the first ones."""
        text = self.text().splitlines()
        crash = [number for number, line in enumerate(text)
                 if re.search(r"Fatal error|[Cc]rashed|\bBUG IN\b|terminate called", line)]
        shown = text[max(0, crash[0] - 16):crash[0] + 40] if crash else text[-lines:]
        return "\n".join(["", *shown])

    def must_live(self):
        require(self.code is None, f"run ended with {self.code}: {self.tail()}")
        return True

    def wait(self, seconds):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"run did not end within {seconds} s: {self.tail()}") from None

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, seconds=20):
        """SIGTERM drains and exits 0."""
        self.must_live()
        self.signal(signal.SIGTERM)
        code = self.wait(seconds)
        require(code == 0, f"run ended with {code} after SIGTERM: {self.tail()}")

    def kill(self):
        """SIGKILL; True if it was still there to be killed."""
        if self.code is None:
            self.process.kill()
        return self.process.wait() == -signal.SIGKILL

    def counters(self):
        found = re.findall(r"load counters: (\{.*?\})", self.text())
        return json.loads(found[-1]) if found else {}

    def peak_bytes(self):
        """VmHWM: the most memory the process ever had resident."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) * 1024
