#!/usr/bin/python3
"""What `check --print-grants` prints is enough, is not too much, and nothing else was needed.

Roles of MySQL and MariaDB lose everything, get exactly the printed statements, and load and follow tables with
and without a key. PostgreSQL's roles are made with their privileges (ends/postgresql.py).
"""

import json

from lab import Pipeline, make_source, make_target, require, require_equal
from setting import Proof, arguments

MYSQL = ("mysql", "mariadb")


def granted(options):
    source, target = make_source(options.source), make_target(options.target)
    place = source.schema
    source.query(f"CREATE TABLE {place}.keyed (id int PRIMARY KEY, v varchar(20))", source.installer)
    source.query(f"CREATE TABLE {place}.keyless (v varchar(20))", source.installer)
    if source.engine == "postgresql":
        source.query(f"ALTER TABLE {place}.keyless REPLICA IDENTITY FULL", source.installer)
    write(source, 1)
    pipeline = Pipeline(source, target)
    if source.engine == "postgresql":
        pipeline.install()
    printed = pipeline.call("check", "--print-grants", "--json")
    require(printed.returncode == 0, f"--print-grants: {printed.stderr}")
    statements = json.loads(printed.stdout)
    exchange(source, source.capture, statements["source"])
    exchange(target, target.apply, statements["target"])
    source.check_roles()
    target.check_roles()
    check = pipeline.call("check")
    require(check.returncode == 0, f"check with the printed grants: {check.stdout}{check.stderr}")
    pipeline.catch_up(60)
    write(source, 2)
    pipeline.catch_up(60)
    require_equal(source, target, pipeline)


def exchange(end, role, statements):
    """The role has what is printed, and nothing else."""
    if end.engine not in MYSQL:
        return
    end.query(f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {role}@localhost")
    for statement in statements:
        end.query(statement)


def write(source, number):
    for table, values in [("keyed", f"{number}, 'v'"), ("keyless", "'v'"), ("keyless", "'v'")]:
        source.query(f"INSERT INTO {source.schema}.{table} VALUES ({values})", source.installer)


if __name__ == "__main__":
    chosen = arguments(__doc__)
    proof = Proof()
    proof.check(f"least privileges: {chosen.source} -> {chosen.target}", granted, chosen)
    proof.end()
