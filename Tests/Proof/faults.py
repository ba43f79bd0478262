#!/usr/bin/python3
"""Connections and servers go away under load; `run` goes on by itself, and both ends are equal.

Sessions of Martlet at either end are ended again and again; either server is restarted, in order and
without (`immediate`: what was not flushed is gone, as after a power cut). `run` must not end.
"""

import random
import time

from lab import log, require
from setting import Proof, Setting, arguments, private


def disturbed(options, seed, disturb, times):
    target_server = "sqlite" if options.target == "sqlite" else \
        private(options.target, late=False, role="target")
    setting = Setting(options, seed, options.sessions, hanging=0, target_server=target_server)
    rng = random.Random(f"{seed}:faults")
    try:
        run = setting.begin()
        hits = 0
        for _ in range(times):
            time.sleep(rng.uniform(0.1, options.pause))
            hits += disturb(setting, rng)
            run.must_live()
        require(hits, "nothing was disturbed")
        log(f"{hits} times disturbed; {'live' if setting.pipeline.is_live() else 'loading'} now")
        setting.finish(run)
    finally:
        setting.close()


def end_source_sessions(setting, rng):
    return setting.source.end_sessions()


def end_target_sessions(setting, rng):
    return setting.target.end_sessions()


def end_one_session(setting, rng):
    """One of them only: the others must notice."""
    return rng.choice([setting.source, setting.target]).end_sessions(most=1)


def restart(which, mode):
    def action(setting, rng):
        end = getattr(setting, which)
        began = time.monotonic()
        end.server.restart(mode)  # `immediate` of MySQL and MariaDB is SIGKILL
        took = time.monotonic() - began
        # P17: a fast shutdown waits until the walsender's client has confirmed what was sent.
        require(took < 45, f"{which} took {took:.0f} s to restart")
        return 1
    return action


if __name__ == "__main__":
    chosen = arguments(__doc__, times=6, restarts=1, sessions=3, pause=1.0)
    proof, seed = Proof(), chosen.seed
    file = chosen.target == "sqlite"
    for name, action, count in [
            ("A25: sessions at the source ended", end_source_sessions, chosen.times),
            ("A25: sessions at the target ended", end_target_sessions, chosen.times),
            ("A25: one session ended", end_one_session, chosen.times * 2),
            ("P17: source restarted", restart("source", "fast"), chosen.restarts),
            ("P18: source crashed", restart("source", "immediate"), chosen.restarts),
            ("A25: target restarted", restart("target", "fast"), chosen.restarts),
            ("A03 I2: target crashed", restart("target", "immediate"), chosen.restarts)]:
        seed += 1
        if file and "target" in name or file and "one session" in name:
            continue
        proof.check(name, disturbed, chosen, seed, action, count)
    proof.end()
