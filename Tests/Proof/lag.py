#!/usr/bin/python3
"""A51: lag tells the truth. 0 on an idle source, rising whenever nothing reaches the target.

Rising is required while `run` is stopped, suspended, killed, or held up by a lock at the target, on an
idle source too; null with a reason while the source does not answer; small again afterwards.
"""

import signal
import time

from lab import Pipeline, log, make_source, make_target, require, wait_until
from setting import Proof, arguments, private

SMALL = 2.0


class Idle:
    """One table with one row, live, and a source on which nothing happens."""

    def __init__(self, options):
        self.source = make_source(private(options.source, late=False))
        self.table = f"{self.source.schema}.one"
        self.source.query(f"CREATE TABLE {self.table} (id int PRIMARY KEY, v int)",
                          self.source.installer)
        self.source.query(f"INSERT INTO {self.table} VALUES (1, 1)")
        self.target = make_target(options.target)
        self.pipeline = Pipeline(self.source, self.target)
        self.pipeline.install()
        self.run = self.pipeline.start()
        self.pipeline.wait_live(self.run, 60)

    def lag(self):
        return self.pipeline.status()["lag_seconds"]

    def small(self):
        wait_until(lambda: (lag := self.lag()) is not None and lag < SMALL, 30, "lag is small", 0.2)

    def rises(self, why):
        before, began = self.lag(), time.monotonic()
        wait_until(lambda: time.monotonic() - began > 4, 10, "4 s passed", 0.5)
        after, passed = self.lag(), time.monotonic() - began
        require(before is not None and after is not None, f"{why}: lag is null")
        # Status takes a moment itself: one second of tolerance each way.
        require(abs(after - before - passed) < 1.5,
                f"{why}: lag went from {before} to {after} in {passed:.1f} s")
        log(f"{why}: {before:.1f} -> {after:.1f} s in {passed:.1f} s")

    def close(self):
        self.pipeline.kill_all()


def idle(options):
    setting = Idle(options)
    try:
        setting.small()
        for _ in range(8):
            lag = setting.lag()
            require(lag is not None and lag < SMALL, f"lag {lag} on an idle source")
            time.sleep(0.5)
    finally:
        setting.close()


def not_running(options):
    setting = Idle(options)
    try:
        setting.run.signal(signal.SIGSTOP)
        setting.rises("suspended")
        setting.run.signal(signal.SIGCONT)
        setting.small()
        setting.run.stop()
        setting.rises("stopped")
        setting.run = setting.pipeline.start()
        setting.small()
        setting.run.kill()
        setting.rises("killed")
    finally:
        setting.close()


def target_hangs(options):
    """A lock at the target: the open transaction waits, and with it every heartbeat."""
    setting = Idle(options)
    try:
        let_go = setting.target.hold(setting.pipeline.target_name("one"))
        setting.source.query(f"UPDATE {setting.table} SET v = v + 1")
        time.sleep(1)
        setting.rises("target locked")
        let_go()
        setting.small()
    finally:
        setting.close()


def source_gone(options):
    setting = Idle(options)
    try:
        setting.source.server.stop("immediate")
        status = wait_until(lambda: setting.pipeline.status(), 30, "status answers", 0.5)
        require(status["lag_seconds"] is None, f"lag {status['lag_seconds']} without a source")
        require("why" in str(status), "lag is null without a reason")
        setting.source.server.start()
        setting.small()
        setting.run.must_live()
    finally:
        setting.close()


if __name__ == "__main__":
    chosen = arguments(__doc__)
    proof = Proof()
    for name, action in [("A51: idle", idle), ("A51: run stopped, suspended, killed", not_running),
                         ("A51: target hangs", target_hangs), ("A51: source gone", source_gone)]:
        proof.check(name, action, chosen)
    proof.end()
