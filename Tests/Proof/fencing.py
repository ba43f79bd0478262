#!/usr/bin/python3
"""A05 I7: of two runs of one pipeline one writes. A suspended one finds that it is fenced.

A is suspended under load (SIGSTOP) longer than its lease, B takes over, A goes on (SIGCONT): A must
end as fenced, B must go on, and both ends are equal. Before the lease ends B must not take over.
"""

import signal
import time

from lab import log, require, wait_until
from setting import Proof, Setting, arguments

FENCED = 75


def fenced(options, seed):
    setting = Setting(options, seed, options.sessions, pipeline={"lease": "3s"})
    pipeline = setting.pipeline
    try:
        first = setting.begin()
        time.sleep(1)
        first.must_live()
        first.signal(signal.SIGSTOP)
        suspended = time.monotonic()
        # A newcomer is refused, or waits, while the lease runs; afterwards one of them stays.
        second = take_over(pipeline, first)
        log(f"taken over {time.monotonic() - suspended:.1f} s after the suspension")
        epoch = pipeline.status()["epoch"]
        time.sleep(1)
        first.signal(signal.SIGCONT)
        code = first.wait(30)
        require(code == FENCED, f"the first run ended with {code}: {first.tail()}")
        require("fenced" in first.text() or "took the pipeline over" in first.text(),
                f"the first run does not say why it ended: {first.tail()}")
        second.must_live()
        require(pipeline.status()["epoch"] == epoch, "the epoch moved after the take-over")
        setting.finish(second)
    finally:
        setting.close()


def take_over(pipeline, first):
    before = pipeline.status()["epoch"]
    early = pipeline.start()
    deadline = time.monotonic() + 60
    run = early
    while time.monotonic() < deadline:
        if run.code is not None:
            require(run.code == FENCED, f"the newcomer ended with {run.code}: {run.tail()}")
            require(str(first.pid) in run.text(), f"it does not name the holder: {run.tail()}")
            run = pipeline.start()
        status = pipeline.status()
        if status and status["epoch"] > before and status["running"]:
            return run
        time.sleep(0.1)
    require(False, f"nobody took over within 60 s: {run.tail()}")


def file_holder(options, seed):
    """A suspended process that may hold the file's lock is waited for and named, never raced."""
    setting = Setting(options, seed, options.sessions, pipeline={"lease": "3s"})
    pipeline = setting.pipeline
    try:
        first = setting.begin()
        time.sleep(1)
        first.signal(signal.SIGSTOP)
        second = pipeline.start()
        wait_until(lambda: str(first.pid) in second.text() or second.code is not None, 30,
                   "the newcomer names the holder or ends")
        time.sleep(4)
        first.signal(signal.SIGCONT)
        wait_until(lambda: first.code is not None or second.code is not None, 60,
                   "one of the two ends")
        survivor = second if first.code is not None else first
        ended = first if survivor is second else second
        require(ended.code == FENCED, f"the other ended with {ended.code}: {ended.tail()}")
        setting.finish(survivor)
    finally:
        setting.close()


if __name__ == "__main__":
    chosen = arguments(__doc__, sessions=3)
    proof = Proof()
    if chosen.target != "sqlite":
        proof.check("A05 I7: SIGSTOP, take over, SIGCONT", fenced, chosen, chosen.seed)
    chosen.target = "sqlite"
    proof.check("A05 I7: the same at a file", file_holder, chosen, chosen.seed + 1)
    proof.end()
