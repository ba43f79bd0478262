#!/usr/bin/python3
"""The random workload runs while the load runs; afterwards source and target are equal by value.

Rounds with fresh databases and following seeds go on until the load has met enough of everything
it must judge: --changes in each state, --key-changes over a chunk border in each direction, --streams
streamed transactions, --key-chunks rows whose value the log did not send (these two of PostgreSQL only),
one TRUNCATE of a table being loaded. Counters are printed and required.
"""

import time

from lab import log, require
from setting import Proof, Setting, arguments

STATES = ["notYetCopied", "copying", "copiedSeen", "copiedUnseen"]


def wanted(options):
    """Only PostgreSQL leaves values out of its log, and sends transactions before they commit."""
    only = {"keyChunks": options.key_chunks, "streamedTransactions": options.streams,
            "closing": options.changes}
    return {**dict.fromkeys(STATES, options.changes),
            "keyChangesForward": options.key_changes, "keyChangesBackward": options.key_changes,
            **(only if options.source.startswith("pg") else {}), "truncates": 1}


def missing(counts, total):
    return {name: f"{total.get(name, 0)} of {count}" for name, count in counts.items()
            if total.get(name, 0) < count}


def round_of(options, seed, total, make, deadline):
    setting = make(options, seed, options.sessions, options.hanging, options.pause)
    try:
        run = setting.begin(deadline=deadline)
        setting.truncate_while_loading(run)
        setting.pipeline.wait_live(run, options.load_seconds)
        streamed = setting.pipeline.streamed()
        setting.finish(run)
        counters = setting.pipeline.counters()
        # The server's own count, taken when the load had ended.
        counters["streamedTransactions"] = streamed
        for name, count in counters.items():
            total[name] = total.get(name, 0) + count
        require(setting.pipeline.counters(), "run printed no load counters")
        log(f"seed {seed}: workload {setting.workload.counts()}")
        log(f"seed {seed}: load so far {total}")
    finally:
        setting.close()


def converge(options, wanted=wanted, make=Setting, deadline=60):
    counts = wanted(options)
    total, rounds, end = {}, 0, time.monotonic() + options.seconds
    while rounds == 0 or missing(counts, total):
        require(rounds == 0 or time.monotonic() < end,
                f"{rounds} rounds in {options.seconds} s were not enough: "
                f"{missing(counts, total)}")
        round_of(options, options.seed + rounds, total, make, deadline)
        rounds += 1
    log(f"{rounds} rounds, seeds {options.seed}..{options.seed + rounds - 1}: {total}")


if __name__ == "__main__":
    chosen = arguments(__doc__, seconds=180, changes=200, key_changes=20, key_chunks=5, streams=5, sessions=4,
                       hanging=1, pause=0.0, load_seconds=240)
    proof = Proof()
    proof.check(f"I1 I3 I4 I8: {chosen.source} -> {chosen.target} converges under load", converge,
                chosen)
    proof.end()
