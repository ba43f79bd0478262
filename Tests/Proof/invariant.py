#!/usr/bin/python3
"""I4: what one snapshot of the live tables at the target shows is a prefix of the commit order.

A reader at the target looks at sums over two tables that are only changed together, and at the audit
rows that are there. Each look must be balanced, and its audit rows must be exactly the first n of
the commit order. `run` is killed and started again meanwhile.
"""

import random
import threading
import time

from lab import log, require
from setting import Proof, Setting, arguments

LOOK = ("SELECT (SELECT sum(balance) FROM {bank_accounts}) + (SELECT sum(total) FROM {bank_ledger}), "
        "(SELECT count(*) FROM {audit}), (SELECT coalesce(sum(tx), 0) FROM {audit})")


class Reader(threading.Thread):
    def __init__(self, setting):
        super().__init__(daemon=True)
        self.setting, self.looks, self.error = setting, [], None
        self.stopped = threading.Event()
        names = {name: setting.pipeline.target_name(name)
                 for name in ("bank_accounts", "bank_ledger", "audit")}
        self.sql = LOOK.format(**names)

    def run(self):
        link = self.setting.target.connect()
        cursor = link.cursor()
        while not self.stopped.is_set():
            try:
                cursor.execute(self.sql)
                self.looks.append(tuple(int(value) for value in cursor.fetchone()))
            except self.setting.target.Error as error:
                self.error = error
                return


def prefixes(order):
    """Sum of the first n transaction numbers, for every n."""
    sums = [0]
    for number in order:
        sums.append(sums[-1] + number)
    return sums


def watched(options, seed):
    setting = Setting(options, seed, options.sessions)
    rng = random.Random(f"{seed}:invariant")
    try:
        run = setting.begin()
        setting.pipeline.wait_live(run, 240)
        reader = Reader(setting)
        reader.start()
        end, kills = time.monotonic() + options.seconds, 0
        while time.monotonic() < end:
            time.sleep(rng.uniform(0.5, options.seconds / 3))
            run.must_live()
            run.kill()
            kills += 1
            run = setting.pipeline.start()
        setting.workload.stop()
        setting.pipeline.wait_caught_up(run, 240)
        reader.stopped.set()
        reader.join()
        require(reader.error is None, f"the reader failed: {reader.error}")
        judge(reader.looks, setting.order.audit_order()[0])
        log(f"{len(reader.looks)} looks, {len(set(reader.looks))} different, {kills} kills")
        run.stop()
        setting.verdict()
    finally:
        setting.close()


def judge(looks, order):
    sums = prefixes(order)
    require(len(set(looks)) > 20, f"only {len(set(looks))} different states were seen")
    seen = 0
    for balance, count, total in looks:
        require(balance == 0, f"unbalanced by {balance} with {count} transactions")
        require(count >= seen, f"{seen} transactions were there, then {count}")
        require(count < len(sums), f"{count} transactions are there, {len(order)} committed")
        require(sums[count] == total, f"the {count} transactions are not the first {count} "
                                      "of the commit order")
        seen = count


if __name__ == "__main__":
    chosen = arguments(__doc__, seconds=8, sessions=3)
    proof = Proof()
    proof.check(f"I3 I4: every look at {chosen.target} is a prefix", watched, chosen, chosen.seed)
    proof.end()
