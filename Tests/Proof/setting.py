"""What most proofs share: a source under load, a pipeline, a target, and the final verdict."""

import argparse
import random
import sys
import time

from ends import mysql
from lab import (MARTLET, Failed, Pipeline, PrivateServer, Proof, differences, let_go, log,
                 make_source, make_target, require, wait_until)
from workload import MIDDLE, SMALL, Sizes
from workloads import make_workload

# Commits of some sessions wait for a standby that does not exist: see workload.Release.
LATE_VISIBILITY = {"synchronous_standby_names": "nobody", "synchronous_commit": "local"}

LARGE = Sizes(accounts=60_000, rows=15_000, truncated=25_000, large=3_000)
SIZES = {"small": SMALL, "middle": MIDDLE, "large": LARGE}

SOURCES = "pg15, pg17, pg18, mariadb1011, mariadb118, mysql97"
_private = {}


def private(name, late=True, role="source"):
    """One server of our own per program, version and role; databases are made anew each round."""
    if not name.startswith("pg"):
        return mysql.private(name, role)
    key = (name, late, role)
    if key not in _private:
        _private[key] = PrivateServer(name, LATE_VISIBILITY if late else {})
    return _private[key]


def arguments(description, **defaults):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--source", default="pg17", help=SOURCES)
    parser.add_argument("--target", default="pg18", help=f"{SOURCES}, sqlite")
    parser.add_argument("--existing", choices=["none", "empty", "truncate"], default="none",
                        help="target tables with unique keys that are there before the run")
    parser.add_argument("--sizes", choices=SIZES, default="small")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                        help="another setting of the source's server (MySQL and MariaDB)")
    for name, value in defaults.items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(value), default=value)
    options = parser.parse_args()
    mysql.variant.update(pair.split("=", 1) for pair in options.set)
    log(description.strip().splitlines()[0])
    log(" ".join(sys.argv[1:]) or "(defaults)", "seed", options.seed, "binary", MARTLET)
    return options


class Setting:
    """A source of its own with the workload's tables, an empty target, a pipeline between them."""

    def __init__(self, options, seed, sessions=4, hanging=1, pause=0.0, pipeline=None,
                 target_server=None, target_link=None):
        self.source = self.make_source(options)
        self.target = make_target(target_server or options.target)
        sizes = SIZES[options.sizes]
        self.workload = make_workload(self.source, self.target, seed, sizes, sessions, hanging,
                                      pause)
        existing = getattr(options, "existing", "none")
        self.workload.prepare(existing)
        if existing == "truncate":
            pipeline = {"existing": "truncate", **(pipeline or {})}
        self.order_is_kept = True
        # Made before anything is written by the sessions: it sees every audit row.
        self.order = self.source.order_reader()
        link = target_link(self.target) if target_link else None
        self.pipeline = self.make_pipeline(pipeline, link)
        self.pipeline.install()

    def make_source(self, options):
        return make_source(private(options.source))

    def make_pipeline(self, settings, target_url):
        return Pipeline(self.source, self.target, settings, target_url=target_url)

    def begin(self, environment=None, deadline=60):
        """Starts a run and, as soon as the audit table is live, the sessions. From then on every
        audit row comes through the stream, so that the order of arrival can be compared."""
        run = self.pipeline.start(environment=environment)
        wait_until(lambda: run.must_live() and self.is_audited(), deadline, "the audit table live",
                   0.02)
        self.workload.start()
        return run

    # Tables whose rows say which transactions arrived.
    audits = ("audit", "audit_keyless")
    # Tables to compare; None for all.
    compared = None

    def is_audited(self):
        return all(self.pipeline.table(name).get("state") == "live" for name in self.audits)

    def truncate_while_loading(self, run, seconds=240):
        """TRUNCATE inside the load of the table; False when the load was over before."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            run.must_live()
            if self.workload.truncated_is_loading():
                self.workload.truncate()
                return True
            if self.pipeline.table("truncated").get("state") == "live":
                return False
            time.sleep(0.01)
        return False

    def verdict(self):
        """Source and target are equal, each transaction is there once, and in commit order."""
        require(self.workload.balance() == 0, "the source itself is unbalanced")
        found = differences(self.source, self.target, self.pipeline, self.compared)
        if found:
            raise Failed("source and target differ:\n  " + "\n  ".join(
                found + self.order.history(found) + [f"load: {self.pipeline.counters()}"]))
        order, positions = self.order.audit_order()
        require(len(order) == len(set(order)), "the independent reader saw an audit row twice")
        for name in self.audits:
            once = self.target.query(
                f"SELECT tx, count(*) FROM {self.pipeline.target_name(name)} GROUP BY tx "
                "HAVING count(*) <> 1")
            require(not once, f"not exactly once in {name}: {once[:5]}")
        compared = self.order_is_kept and self.target.engine != "sqlite"
        if compared:
            arrived = [row[0] for row in self.target.query(
                f"SELECT tx FROM {self.target.schema}.audit ORDER BY arrival")]
            require_order(order, positions, arrived)
        log(f"equal; {len(order)} transactions, each once"
            + (", arrived in commit order" if compared else ""))

    def finish(self, run, seconds=300):
        """Stops the writers, lets `run` catch up, stops it, and judges."""
        self.workload.stop()
        self.pipeline.wait_caught_up(run, seconds)
        run.stop()
        self.verdict()

    def finish_after_death(self, seconds=300):
        self.workload.stop()
        self.pipeline.catch_up(seconds)
        self.verdict()

    def close(self):
        """Frees both ends: the next round shall not decode the log of this one."""
        self.workload.abandon()
        self.pipeline.kill_all()
        let_go(self.source, self.target)


def require_order(order, positions, arrived):
    require(len(order) == len(arrived), f"{len(order)} committed, {len(arrived)} arrived")
    for place, (wanted, came) in enumerate(zip(order, arrived)):
        require(wanted == came, f"arrival {place} is transaction {came}; by commit order it is "
                                f"{wanted} (commit {positions[place]})")


__all__ = ["Setting", "arguments", "private", "Proof", "SIZES"]
