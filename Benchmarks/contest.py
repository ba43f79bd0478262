"""What the comparisons share: who goes first, and how times become medians and ratios."""

import json
import os
import statistics
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
os.environ.setdefault("MARTLET_BIN", str(REPOSITORY / ".build/release/martlet"))
sys.path.insert(0, str(REPOSITORY / "Tests/Proof"))
from harness import log  # noqa: E402


def timed(action):
    began = time.monotonic()
    action()
    return time.monotonic() - began


def in_turn(number, kinds):
    """Who goes first changes, so that neither always meets the colder cache."""
    return kinds if number % 2 == 0 else kinds[::-1]


def note(times, what, consumer, took):
    times.setdefault((what, consumer.name), []).append(took)
    log(f"{what} {consumer.name}: {took:.2f} s")


def report(title, times):
    print(f"\n{title}, median (all)")
    result = {"schema": 1}
    for what in dict.fromkeys(kind for kind, _ in times):
        medians = {}
        other = next(name for kind, name in times if kind == what and name != "martlet")
        for name in (other, "martlet"):
            all_times = times[what, name]
            medians[name] = statistics.median(all_times)
            shown = " ".join(f"{one:.2f}" for one in all_times)
            print(f"{what:6} {name:14} {medians[name]:8.2f} s   ({shown})")
        ratio = medians[other] / medians["martlet"]
        print(f"{what:6} martlet by {other}, throughput: {ratio:.2f}")
        result[what] = {**medians, "ratio": round(ratio, 3)}
    print(json.dumps(result))
