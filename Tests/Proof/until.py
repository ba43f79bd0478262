#!/usr/bin/python3
"""A53: `run --until` a position inside a transaction applies whole transactions that commit before
it, and nothing of the one that is cut.
"""

from lab import FileTarget, Pipeline, Server, Source, make_target, require, require_equal
from setting import Proof, arguments


class Cut:
    """A loaded pipeline, one transaction before the position, one around it, one behind."""

    def __init__(self, options):
        self.source = Source(Server(options.source))
        self.sql("CREATE TABLE lab.t (id int PRIMARY KEY, v text)")
        self.sql("INSERT INTO lab.t VALUES (1, 'loaded')")
        self.target = make_target(options.target)
        self.pipeline = Pipeline(self.source, self.target)
        self.pipeline.install()
        self.pipeline.catch_up(60)
        self.sql("INSERT INTO lab.t VALUES (2, 'before')")
        self.inside, self.end = self.around()
        self.sql("INSERT INTO lab.t VALUES (9000, 'behind')")

    def sql(self, text):
        self.source.query(text, self.source.installer)

    def around(self):
        """Large enough to be streamed before it commits."""
        link = self.source.connect(self.source.installer, autocommit=False)
        with link.cursor() as cursor:
            cursor.execute("INSERT INTO lab.t SELECT g, repeat('x', 200) "
                           "FROM generate_series(3, 2000) g")
            cursor.execute("SELECT pg_current_wal_insert_lsn()")
            inside = cursor.fetchone()[0]
            cursor.execute("INSERT INTO lab.t SELECT g, 'y' FROM generate_series(2001, 4000) g")
        link.commit()
        link.close()
        return inside, self.source.value("SELECT pg_current_wal_insert_lsn()")

    def run_until(self, position):
        result = self.pipeline.call("run", "--until", position, "--progress", "none")
        require(result.returncode == 0, f"--until ended with {result.returncode}: {result.stderr}")
        name = self.pipeline.tables()["lab.t"]["target"]
        if isinstance(self.target, FileTarget):
            name = '"{}"'.format(name.strip('"'))
        return self.target.rows(f"SELECT count(*), max(id) FROM {name}")[0]


def cut(options):
    case = Cut(options)
    found = tuple(case.run_until(case.inside))
    require(found == (2, 2), f"inside the transaction: {found}")
    found = tuple(case.run_until(case.end))
    require(found == (4000, 4000), f"behind the transaction: {found}")
    case.pipeline.catch_up(60)
    require_equal(case.source, case.target, case.pipeline)


if __name__ == "__main__":
    chosen = arguments(__doc__)
    proof = Proof()
    for target in (chosen.target, "sqlite"):
        chosen.target = target
        proof.check(f"until: a position inside a transaction ({target})", cut, chosen)
    proof.end()
