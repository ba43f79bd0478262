#!/usr/bin/python3
"""The workload in the source's SQL; run by itself it tries the harness, without Martlet.

Does every kind of transaction do something, does the independent reader see all of them, is a copy of the
database equal to it, and is one changed value seen?

    workloads.py [pg17|mysql97|mariadb1011|mariadb118]
"""

import sys
import time

import workload
import workload_mysql
from lab import (Proof, differences, log, make_source, make_target, private_server, require,
                 require_equal)


def make_workload(source, *more):
    module = workload if source.engine == "postgresql" else workload_mysql
    return module.Workload(source, *more)


def alone(name):
    late = {"synchronous_standby_names": "nobody", "synchronous_commit": "local"}
    source = make_source(private_server(name, late if name.startswith("pg") else {}))
    work = make_workload(source, make_target("sqlite"), 1, workload.SMALL, 4, 1)
    work.prepare()
    reader = source.order_reader()
    work.start()
    time.sleep(8)
    work.truncate()
    work.stop()
    counts = work.counts()
    log(counts)
    order, positions = reader.audit_order()
    here = source.query(f"SELECT count(*), count(DISTINCT tx) FROM {source.schema}.audit")[0]
    log(f"{len(order)} transactions from {positions[0]} to {positions[-1]}")
    require(work.balance() == 0, f"balance {work.balance()}")
    require(here == (len(order), len(set(order))), f"{len(order)} in the log, {here} in the table")
    kinds = {kind.__name__ for kind in work.sessions[0].kinds}
    require(kinds <= set(counts), f"never done: {kinds - set(counts)}")
    if source.engine != "postgresql":
        compared(source)


def compared(source):
    """A copy made by the server itself. A dump would not do: it rounds floats (B51)."""
    target = make_target(source.server)
    for table in source.table_names():
        copy(source, target, table)
    require_equal(source, target)
    for change in ("kinds SET dbl = 1 WHERE id = 1", "kinds SET hidden = 3 WHERE id = 2",
                   "kinds SET single = 16777218 WHERE id = 1", "padded SET id = x'ffff00' LIMIT 1",
                   "kinds SET span = addtime(span, '00:00:00.000001') WHERE id = 1",
                   "duplicates SET b = 'other' LIMIT 1", "names SET name = 'new ' LIMIT 1"):
        target.query(f"UPDATE {change}")
        found = differences(source, target)
        require(len(found) == 1 and "1 rows missing" in found[0], f"{change}: {found}")
        table = change.split()[0]
        target.query(f"DROP TABLE {table}")
        copy(source, target, table)


def copy(source, target, table):
    listed = ", ".join(column.name for column in source.columns(table) if not column.is_generated)
    target.query(f"CREATE TABLE {table} LIKE {source.name}.{table}; INSERT INTO {table} ({listed}) "
                 f"SELECT {listed} FROM {source.name}.{table}")


if __name__ == "__main__":
    proof = Proof()
    for server in sys.argv[1:] or ["pg17", "mysql97", "mariadb1011", "mariadb118"]:
        proof.check(f"the workload at {server}", alone, server)
    proof.end()
