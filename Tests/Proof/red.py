#!/usr/bin/python3
"""A check that cannot fail proves nothing: with one rule taken away, each proof must fail.

MARTLET_FAULT (debug builds) takes away the visibility check, the closing rule or the count of rows.
The same proof is run without the fault first, where it must hold, and then with it, until it fails.
"""

import time

import bad_input
from lab import Failed, log, require
from setting import Proof, Setting, arguments


def load_round(options, seed, fault):
    """One load under the workload; Failed if anything is not as it must be."""
    environment = {"MARTLET_FAULT": fault} if fault else None
    setting = Setting(options, seed, options.sessions, options.hanging)
    try:
        run = setting.begin(environment)
        setting.truncate_while_loading(run)
        setting.pipeline.wait_live(run, 240)
        setting.finish(run)
    finally:
        setting.close()


def strange_row(options, seed, fault):
    bad_input.row_changed_by_somebody_else(
        options, {"MARTLET_FAULT": fault} if fault else None)


def turns_red(options, fault, attempt):
    attempt(options, options.seed, None)
    log(f"{fault}: holds without the fault")
    for number in range(options.rounds):
        began = time.monotonic()
        try:
            attempt(options, options.seed + number, fault)
        except Failed as failure:
            log(f"{fault}: noticed in round {number + 1} after {time.monotonic() - began:.0f} s: "
                f"{str(failure)[:400]}")
            return
    require(False, f"{fault} was not noticed in {options.rounds} rounds")


if __name__ == "__main__":
    chosen = arguments(__doc__, rounds=5, sessions=4, hanging=2, fault="all")
    proof = Proof()
    for rule, attempt in [("no-visibility-check", load_round), ("no-closing-rule", load_round),
                          ("no-row-count-check", strange_row)]:
        if chosen.fault in ("all", rule):
            proof.check(f"red: {rule}", turns_red, chosen, rule, attempt)
    proof.end()
