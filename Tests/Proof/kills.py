#!/usr/bin/python3
"""kill -9 of `run`: at each named failpoint, and at random moments under load. Always equal after.

Random kills come in rounds of --per-round on one pipeline: killed, started again at once, killed
again; in the load at first, in later rounds when all tables are live. Before a kill the process is
held (SIGSTOP) and looked at, so that what it was doing is known: how many fell into the load, how
many into an open target transaction, how many between a target's COMMIT and its reply (through
proxy.py) is counted and required. What failpoints kill is found in the engine's own list: a new one
is tested without a change here.
"""

import random
import re
import signal
import time

from lab import REPOSITORY, log, require, wait_until
from proxy import Proxy
from setting import Proof, Setting, arguments

FAILPOINTS = REPOSITORY / "Sources/ReplicationEngine/Failpoint.swift"
# Passed only after the first load; the others are passed many times.
ONCE = {"slot-announced", "slot-created", "schema-made", "key-made", "consistency-made"}
# Where the process dies before the audit table can be live at all.
BEFORE_LOAD = {"slot-announced", "slot-created", "schema-made"}


def failpoints():
    named = re.findall(r'case \w+ = "([a-z-]+)"', FAILPOINTS.read_text(encoding="utf-8").split(
        "enum Fault")[0])
    require(len(named) >= 10, f"only {len(named)} failpoints found in {FAILPOINTS}")
    return named


def at_failpoint(options, seed, name):
    setting = Setting(options, seed, options.sessions, pause=options.pause)
    hit = 1 if name in ONCE else random.Random(seed).randint(2, 10)
    try:
        if name in BEFORE_LOAD:
            run = setting.pipeline.start(environment={"MARTLET_FAILPOINT": name})
            must_die(run, name, 60)
            run = setting.begin()
        else:
            environment = {"MARTLET_FAILPOINT": f"{name}:{hit}"}
            run = setting.pipeline.start(environment=environment)
            setting.workload.start()
            must_die(run, name, 120)
            run = setting.pipeline.start()
        time.sleep(0.5)
        setting.finish(run) if name in BEFORE_LOAD else unordered(setting, run)
    finally:
        setting.close()


def unordered(setting, run):
    """The sessions wrote before the audit table was live: it is compared, not its order."""
    setting.order_is_kept = False
    setting.finish(run)


def must_die(run, name, seconds):
    wait_until(lambda: run.code is not None, seconds, f"the process came by {name}")
    require(run.code == -signal.SIGKILL, f"{name}: ended with {run.code}: {run.tail()}")


class Kills:
    def __init__(self, options):
        self.options = options
        self.total = self.in_load = self.in_transaction = self.at_commit = 0

    def enough(self):
        wanted = self.options
        return (self.total >= wanted.kills and self.in_load >= wanted.in_load
                and self.in_transaction >= wanted.in_transaction
                and (self.at_commit >= wanted.at_commit or wanted.target == "sqlite"))

    def round(self, seed):
        options, proxies = self.options, []

        def through_proxy(target):
            if target.engine == "sqlite":
                return target.link()
            proxies.append(Proxy(target))
            return proxies[0].url(target)

        setting = Setting(options, seed, options.sessions, pause=options.pause,
                          target_link=through_proxy)
        rng = random.Random(f"{seed}:kills")
        try:
            run = setting.begin()
            if self.in_load >= options.in_load:
                setting.pipeline.wait_live(run, 240)
            for number in range(options.per_round):
                at_commit = proxies and number % 8 == 3
                self.kill_at_commit(setting, run, proxies[0], rng) if at_commit else \
                    self.kill(setting, run, rng)
                run = setting.pipeline.start()
            setting.finish(run)
        finally:
            setting.close()
            for proxy in proxies:
                proxy.close()
        log(f"seed {seed}: {self}")

    def kill(self, setting, run, rng):
        """At a random moment after the process did something; short first, so that loads last."""
        began, pause = time.monotonic(), rng.expovariate(2.5)
        wait_until(lambda: run.must_live() and holds_lease(setting), 60, "run took over", 0.01)
        while time.monotonic() < began + pause:
            time.sleep(0.005)
        run.must_live()
        run.signal(signal.SIGSTOP)
        self.seek_transaction(setting, run, rng)
        self.note(setting)
        run.kill()

    def seek_transaction(self, setting, run, rng):
        """A short one is seldom open at a random moment. While too few were, look at more moments."""
        for _ in range(40):
            behind = self.in_transaction * self.options.kills \
                < self.options.in_transaction * (self.total + 1)
            if not behind or setting.target.in_transaction():
                return
            run.signal(signal.SIGCONT)
            time.sleep(rng.uniform(0, 0.05))
            run.must_live()
            run.signal(signal.SIGSTOP)

    def kill_at_commit(self, setting, run, proxy, rng):
        wait_until(lambda: run.must_live() and holds_lease(setting), 60, "run took over", 0.01)
        proxy.arm(lambda: run.signal(signal.SIGKILL), skip=rng.randint(3, 60))
        code = run.wait(60)
        proxy.disarm()
        require(code == -signal.SIGKILL, f"ended with {code}: {run.tail()}")
        self.at_commit += 1
        self.note(setting)

    def note(self, setting):
        self.total += 1
        self.in_load += not setting.pipeline.is_live()
        self.in_transaction += setting.target.in_transaction()

    def __str__(self):
        return (f"{self.total} kills: {self.in_load} in the load, {self.in_transaction} in an open "
                f"target transaction, {self.at_commit} between COMMIT and its reply")


def holds_lease(setting):
    status = setting.pipeline.status()
    return bool(status) and status["running"]


def random_kills(options):
    kills, seed = Kills(options), options.seed
    end = time.monotonic() + options.seconds
    while not kills.enough():
        require(time.monotonic() < end, f"{options.seconds} s were not enough: {kills}")
        kills.round(seed)
        seed += 1
    log(f"seeds {options.seed}..{seed - 1}: {kills}")


if __name__ == "__main__":
    chosen = arguments(__doc__, kills=12, in_load=5, in_transaction=2, at_commit=1, per_round=12,
                       seconds=120, sessions=3, pause=0.0, failpoint="all", only="all")
    proof = Proof()
    if chosen.only in ("all", "failpoints"):
        names = failpoints() if chosen.failpoint == "all" else [chosen.failpoint]
        if not chosen.source.startswith("pg"):
            # There one session reads a table without a key.
            names = [name for name in names if name != "part-committed"]
        if not chosen.target.startswith("pg"):
            # Others' tables have their keys from the beginning.
            names = [name for name in names if name != "key-made"]
        for place, point in enumerate(names):
            proof.check(f"I1 A01: killed at {point}", at_failpoint, chosen, chosen.seed + place,
                        point)
    if chosen.only in ("all", "random"):
        proof.check(f"I1 A02: killed at random, {chosen.source} -> {chosen.target}", random_kills,
                    chosen)
    proof.end()
