#!/usr/bin/python3
"""Every type with its boundary values, from every source engine to every target, compared by value.

A type is a column of a wide table; each value is in a row that the initial copy brings and in one that the
stream brings, and each row is then updated to the next values. Afterwards both servers are read by their own
drivers (comparison.py). Values that a target has no place for are in tables of their own: `check` must
refuse each column.

    exactness.py [pg17 | mariadb118 | mysql97 ...] [--target NAME]
"""

import argparse
import json
from collections import namedtuple

import boundaries
from lab import (Pipeline, Proof, differences, let_go, log, make_source, make_target, require)


SOURCES = ["pg17", "mariadb118", "mysql97"]
TARGETS = ["pg18", "mariadb118", "mysql97", "sqlite"]
Type = namedtuple("Type", "column name values")
Table = namedtuple("Table", "name types rows refused")


def tables_of(source):
    """The types that this server has: a table for each set of engines that refuse their values."""
    groups = {}
    for number, (name, values, refused) in enumerate(boundaries.of(source.server.name)):
        groups.setdefault(frozenset(refused), []).append(Type(f"c{number}", name, values))
    return [Table(f"t{number}", types, max(len(each.values) for each in types), refused)
            for number, (refused, types) in enumerate(groups.items())]


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
            columns = "".join(f", {each.column} {each.name}" for each in table.types)
            self.cursor.execute(
                f"CREATE TABLE {table.name} (id int PRIMARY KEY{columns}){self.options}")

    def insert(self, first):
        for table in self.tables:
            for row in range(table.rows):
                values = "".join(f", {self.literal(each, row)}" for each in table.types)
                self.cursor.execute(f"INSERT INTO {table.name} VALUES ({first + row}{values})")

    def rotate(self, firsts):
        """Each row gets the next values of its table."""
        for table in self.tables:
            for row in range(table.rows):
                values = ", ".join(f"{each.column} = {self.literal(each, row + 1)}"
                                   for each in table.types)
                listed = ", ".join(str(first + row) for first in firsts)
                self.cursor.execute(f"UPDATE {table.name} SET {values} WHERE id IN ({listed})")

    def literal(self, kind, row):
        """PostgreSQL's values are texts; the others' are expressions. Shorter lists begin anew."""
        value = kind.values[row % len(kind.values)]
        if value is None:
            return "NULL"
        if self.source.engine != "postgresql":
            return value
        return "'" + value.replace("'", "''") + f"'::{kind.name}"


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
        """Each column is named by `check`."""
        if not self.refused:
            return
        names = [table.name for table in self.refused]
        pipeline = Pipeline(self.source, self.target, include=self.patterns(names))
        result = pipeline.call("check", "--json")
        require(result.returncode == 3, f"{self.name}: check ended with {result.returncode}")
        said = {finding["column"] for finding in json.loads(result.stdout)["findings"]
                if finding["severity"] == "refused"}
        wanted = {each.column: each.name for table in self.refused for each in table.types}
        silent = {name: wanted[name] for name in wanted if name not in said}
        require(not silent, f"{self.name}: not refused: {silent}")


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
    types = [each for table in tables for each in table.types]
    values = sum(len(each.values) for each in types)
    log(f"{server}: {len(types)} columns, {values} values, {len(pairs)} targets")


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
