#!/usr/bin/python3
"""Every type with its boundary values, from every source engine to every target, compared by value.

A source has a table per type: each value is a row that the initial copy brings and a row that the stream
brings, and each row is then updated to the next value. Afterwards both servers are read by their own drivers
(comparison.py). Values that a target has no place for are in tables of their own: `check` must refuse each.

    exactness.py [pg17 | mariadb118 | mysql97 ...] [--target NAME]
"""

import argparse
import re
from collections import namedtuple

import boundaries
from lab import (Pipeline, Proof, differences, let_go, log, make_source, make_target, require)


SOURCES = ["pg17", "mariadb118", "mysql97"]
TARGETS = ["pg18", "mariadb118", "mysql97", "sqlite"]
Table = namedtuple("Table", "name type values refused")


def tables_of(source):
    """The types that this server has, numbered."""
    listed = boundaries.of(source.server.name)
    return [Table(f"t{number}", kind, values, refused)
            for number, (kind, values, refused) in enumerate(listed)]


class Writer:
    """Writes the rows in the source's own SQL."""

    def __init__(self, source, tables):
        self.source, self.tables = source, tables
        self.link = source.connect(source.installer)
        self.cursor = self.link.cursor()
        if source.engine == "postgresql":
            self.options = ""
            self.cursor.execute("SET search_path = lab, public")
            self.prelude(boundaries.POSTGRESQL_TYPES)
        else:
            # A collation that both servers have.
            self.options = " CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
            self.cursor.execute("SET sql_mode = 'ALLOW_INVALID_DATES'")

    def prelude(self, statements):
        for statement in statements:
            self.cursor.execute(statement)

    def make(self):
        for table in self.tables:
            self.cursor.execute(
                f"CREATE TABLE {table.name} (id int PRIMARY KEY, v {table.type}){self.options}")

    def insert(self, first):
        for table in self.tables:
            rows = ", ".join(f"({first + place}, {self.literal(table, value)})"
                             for place, value in enumerate(table.values))
            self.cursor.execute(f"INSERT INTO {table.name} VALUES {rows}")

    def rotate(self, firsts):
        """Each row gets the next value of its table."""
        for table in self.tables:
            for place in range(len(table.values)):
                value = self.literal(table, table.values[(place + 1) % len(table.values)])
                listed = ", ".join(str(first + place) for first in firsts)
                self.cursor.execute(f"UPDATE {table.name} SET v = {value} WHERE id IN ({listed})")

    def literal(self, table, value):
        """PostgreSQL's values are texts; the others' are expressions."""
        if value is None:
            return "NULL"
        if self.source.engine != "postgresql":
            return value
        return "'" + value.replace("'", "''") + f"'::{table.type}"


class Pair:
    def __init__(self, source, name, tables):
        self.source, self.name = source, name
        self.target = make_target(name)
        engine = self.target.engine
        self.held = [table.name for table in tables if engine not in table.refused]
        self.refused = [table for table in tables if engine in table.refused]
        self.pipeline = Pipeline(source, self.target, include=self.patterns(self.held))
        self.pipeline.install()
        self.run = None

    def patterns(self, names):
        return [f"{self.source.schema}.{name}" for name in names]

    def begin(self):
        self.run = self.pipeline.start("--until-caught-up")

    def end(self):
        require(self.run.wait(120) == 0, f"{self.name}: run ended: {self.run.tail()}")

    def compare(self, when):
        found = differences(self.source, self.target, self.pipeline, self.held)
        require(not found, f"{self.name} differs {when}:\n  " + "\n  ".join(found))

    def refuses(self):
        """Each table by itself is named by `check`."""
        if not self.refused:
            return
        names = [table.name for table in self.refused]
        pipeline = Pipeline(self.source, self.target, include=self.patterns(names))
        result = pipeline.call("check")
        require(result.returncode == 3, f"{self.name}: check ended with {result.returncode}")
        said = [line for line in result.stdout.splitlines() if line.startswith("  REFUSED ")]
        silent = [table for table in self.refused
                  if not any(re.search(rf"\.{table.name}\b", line) for line in said)]
        require(not silent, f"{self.name}: not refused: {silent}\n{result.stdout}")


def exact(server, targets):
    source = make_source(server)
    tables = tables_of(source)
    writer = Writer(source, tables)
    writer.make()
    if source.engine == "postgresql":
        source.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA lab TO {source.capture}")
    writer.insert(1)
    pairs = []
    try:
        pairs += [Pair(source, name, tables) for name in targets]
        both(pairs, "after the load")
        writer.insert(101)
        writer.rotate([1, 101])
        both(pairs, "after the stream")
        for pair in pairs:
            pair.refuses()
    finally:
        writer.link.close()
        let_go(source, *(pair.target for pair in pairs))
    values = sum(len(table.values) for table in tables)
    log(f"{server}: {len(tables)} tables, {values} values, {len(pairs)} targets")


def both(pairs, when):
    for pair in pairs:
        pair.begin()
    for pair in pairs:
        pair.end()
    for pair in pairs:
        pair.compare(when)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs="*", default=SOURCES)
    parser.add_argument("--target", action="append")
    options = parser.parse_args()
    proof = Proof()
    for server in options.sources:
        targets = options.target or TARGETS
        proof.check(f"I8: every value of {server} arrives at {', '.join(targets)}", exact, server,
                    targets)
    proof.end()


if __name__ == "__main__":
    main()
