"""What every proof needs: cleaning up, waiting, failing, counting.

    MARTLET_LAB   where scripts/servers keeps its servers (default /var/lib/martlet-lab)
    MARTLET_KEEP  1 keeps what was made, for a look
"""

import atexit
import os
import random
import signal
import socket
import subprocess
import sys
import time
import traceback
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LAB = Path(os.environ.get("MARTLET_LAB", "/var/lib/martlet-lab"))
PORT_BASE = int(os.environ.get("MARTLET_LAB_PORT_BASE", "54300"))
KEEP = os.environ.get("MARTLET_KEEP") == "1"

_cleanup = []


def at_end(action):
    """Runs `action` when the program ends; last in, first out."""
    if not _cleanup:
        atexit.register(_clean_up)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    _cleanup.append(action)


def _clean_up():
    while _cleanup:
        action = _cleanup.pop()
        try:
            action()
        except Exception as error:  # what is left must not hide what the test found
            print(f"clean up: {error}", file=sys.stderr)


def let_go(*things):
    """Drops databases now instead of at the end: their slots would hold the log, and run out."""
    for thing in things:
        if hasattr(thing, "drop") and thing.drop in _cleanup:
            forget(thing.drop)
            log(f"kept: {thing.url()}") if KEEP else thing.remove()


def forget(action):
    """It was done already."""
    if action in _cleanup:
        _cleanup.remove(action)


def unique(prefix):
    return f"{prefix}_{random.SystemRandom().getrandbits(40):010x}"


def log(*words):
    print(time.strftime("%H:%M:%S"), *words, flush=True)


class Failed(Exception):
    """A proof that did not hold. Everything else that is thrown is a defect of the harness."""


def require(condition, what):
    if not condition:
        raise Failed(what)


def wait_until(condition, seconds, what, pause=0.05):
    """The first true value of `condition()`; Failed when none came within `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed(f"not within {seconds} s: {what}")
        time.sleep(pause)


def servers(*arguments, **options):
    command = [str(REPOSITORY / "scripts/servers"), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Proof:
    """Runs named checks one after the other and says how many held."""

    def __init__(self):
        self.passed, self.failed = 0, 0

    def check(self, name, action, *arguments):
        began = time.monotonic()
        try:
            action(*arguments)
        except Failed as failure:
            self.failed += 1
            log(f"FAILED {name}: {failure}")
        except Exception:
            self.failed += 1
            log(f"FAILED {name}: the harness itself:\n{traceback.format_exc()}")
        else:
            self.passed += 1
            log(f"ok {name} ({time.monotonic() - began:.1f} s)")

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)
