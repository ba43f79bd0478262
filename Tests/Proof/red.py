#!/usr/bin/python3
"""A check that cannot fail proves nothing: with one rule taken away, each proof must fail.

MARTLET_FAULT (debug builds) takes away the visibility check, the closing rule, that of staged tables,
the count of rows, or what a standby's windows leave open.
The same proof is run without the fault first, where it must hold, and then with it, until it is
noticed: by the comparison, or by a row conflict that stops the run. Any other failure is a failure.
"""

import os
import re
import subprocess
import time

import bad_input
from lab import REPOSITORY, Failed, log, require, require_equal
from setting import Proof, Setting, arguments
from standby import StandbySetting

SCENARIOS = REPOSITORY / "Tests/Scenarios/run.py"


def load_round(options, seed, fault, make=Setting):
    """One load under the workload; Failed if anything is not as it must be."""
    environment = {"MARTLET_FAULT": fault} if fault else None
    setting = make(options, seed, options.sessions, options.hanging)
    try:
        run = setting.begin(environment)
        setting.truncate_while_loading(run)
        setting.pipeline.wait_live(run, 240)
        setting.finish(run)
    finally:
        setting.close()


def standby_round(options, seed, fault):
    load_round(options, seed, fault, StandbySetting)


def staged_round(options, seed, fault):
    """Values that go from row to row during the load of target tables that have unique keys."""
    done = subprocess.run(
        [SCENARIOS, "existing-truncate-unique-values-move"], capture_output=True, text=True,
        env={**os.environ, **({"MARTLET_FAULT": fault} if fault else {})}, timeout=200)
    require(done.returncode == 0, done.stdout + done.stderr)


def strange_row(options, seed, fault):
    """A row that somebody else deleted at the target is updated at the source. The run stops with
    exit 6; without the rule it must go on, and leave the tables different."""
    if fault:
        bad_input.alone(goes_on, options, fault)
    else:
        bad_input.alone(bad_input.row_changed_by_somebody_else, options)


def goes_on(options, fault):
    shop = bad_input.Shop(options)
    shop.pipeline.catch_up(60)
    run = shop.pipeline.start(environment={"MARTLET_FAULT": fault})
    try:
        shop.pipeline.wait_live(run, 60)
        bad_input.write_target(shop, "DELETE FROM {items} WHERE id = 7")
        shop.sql("UPDATE lab.items SET name = 'changed' WHERE id = 7")
        shop.pipeline.wait_caught_up(run, 60)
        run.stop()
    finally:
        run.kill()
    require_equal(shop.source, shop.target, shop.pipeline)


# What tells that the rule is missing, not that something else went wrong.
NOTICED = {
    "no-visibility-check": r"source and target differ|run ended with 6",
    "no-closing-rule": r"source and target differ|run ended with 6",
    "no-idempotence": r"source and target differ|run ended with 6",
    "no-staging-rule": r"(?i)unique (constraint|key)",
    "no-row-count-check": r"source and target differ:\s+items: 1 rows missing",
}


def turns_red(options, fault, attempt):
    attempt(options, options.seed, None)
    log(f"{fault}: holds without the fault")
    for number in range(options.rounds):
        began = time.monotonic()
        try:
            attempt(options, options.seed + number, fault)
        except Failed as failure:
            if not re.search(NOTICED[fault], str(failure)):
                raise
            log(f"{fault}: noticed in round {number + 1} after {time.monotonic() - began:.0f} s: "
                f"{str(failure)[:400]}")
            return
    require(False, f"{fault} was not noticed in {options.rounds} rounds")


if __name__ == "__main__":
    chosen = arguments(__doc__, rounds=10, sessions=4, hanging=2, fault="all")
    proof = Proof()
    for rule, attempt in [("no-visibility-check", load_round), ("no-closing-rule", load_round),
                          ("no-idempotence", standby_round),
                          ("no-staging-rule", staged_round),
                          ("no-row-count-check", strange_row)]:
        if chosen.fault == "all" or rule in chosen.fault.split(","):
            proof.check(f"red: {rule}", turns_red, chosen, rule, attempt)
    proof.end()
