#!/usr/bin/python3
"""I6: one large transaction passes whole, in bounded memory.

--rows rows in one transaction (the full size, 5,000,000 rows, is about 1 GB of log) with a savepoint rolled back in the
middle, memory_limit 128MB: peak RSS (VmHWM) of `run` is printed and required. A reader at the target
sees none of the rows, then all of them (I3). --kill kills `run` in the middle of applying it.
"""

import random
import threading
import time

from lab import Pipeline, log, make_source, make_target, require, require_equal
from setting import Proof, arguments, private

LIMIT = 128 << 20


class Watch(threading.Thread):
    """Counts at the target: never anything but none and all."""

    def __init__(self, target, pipeline):
        super().__init__(daemon=True)
        self.sql = f"SELECT count(*) FROM {pipeline.target_name('large')}"
        self.target, self.counts, self.stopped = target, set(), threading.Event()

    def run(self):
        while not self.stopped.wait(0.2):
            try:
                self.counts.add(self.target.query(self.sql)[0][0])
            except self.target.Error:
                continue


def whole(options):
    source, target = make_source(private(options.source, late=False)), make_target(options.target)
    source.query(f"CREATE TABLE {source.schema}.large (id bigint PRIMARY KEY, a text, b text, "
                 "c bigint)", source.installer)
    pipeline = Pipeline(source, target, {"memory_limit": "128MB"})
    pipeline.install()
    run = pipeline.start()
    try:
        pipeline.wait_live(run, 60)
        watch = Watch(target, pipeline)
        watch.start()
        before = source.place()
        began = time.monotonic()
        write(source, options.rows)
        log(f"written in {time.monotonic() - began:.0f} s, log from {before} to {source.place()}")
        if options.kill:
            time.sleep(random.Random(options.seed).uniform(0, 3))
            log(f"killed, peak until then {run.peak_bytes() >> 20} MB")
            run.kill()
            run = pipeline.start()
        pipeline.wait_caught_up(run, options.seconds)
        peak = run.peak_bytes()
        log(f"caught up after {time.monotonic() - began:.0f} s; peak RSS {peak / (1 << 20):.0f} MB")
        watch.stopped.set()
        watch.join()
        run.stop()
        require_equal(source, target, pipeline)
        require(watch.counts <= {0, options.rows}, f"parts were seen: {sorted(watch.counts)[:5]}")
        require(peak <= LIMIT, f"peak RSS {peak} bytes is over {LIMIT}")
    finally:
        pipeline.kill_all()


def write(source, rows):
    def made(first, last):
        return (f"INSERT INTO {source.schema}.large SELECT g, concat(g % 100000 * 7919, 'a'), "
                f"repeat('x', 100), g FROM {source.series(first, last)}")
    source.query("; ".join([
        "BEGIN", made(1, rows // 2), "SAVEPOINT one", made(rows * 2, rows * 2 + 1000),
        "ROLLBACK TO one", made(rows // 2 + 1, rows), "COMMIT"]))


if __name__ == "__main__":
    chosen = arguments(__doc__, rows=200_000, seconds=120, kill=0)
    proof = Proof()
    proof.check(f"I3 I6: {chosen.rows} rows in one transaction to {chosen.target}", whole, chosen)
    proof.end()
