#!/usr/bin/python3
"""A53: `run --until` a position inside a transaction applies whole transactions that commit before
it, and nothing of the one that is cut.
"""

from lab import Pipeline, make_source, make_target, require, require_equal
from setting import Proof, arguments


class Cut:
    """A loaded pipeline, one transaction before the position, one around it, one behind."""

    def __init__(self, options):
        self.source = make_source(options.source)
        self.half = 2000 if self.source.engine == "postgresql" else 15_000
        self.table = f"{self.source.schema}.t"
        self.sql(f"CREATE TABLE {self.table} (id int PRIMARY KEY, v text)")
        self.sql(f"INSERT INTO {self.table} VALUES (1, 'loaded')")
        self.target = make_target(options.target)
        self.pipeline = Pipeline(self.source, self.target)
        self.pipeline.install()
        self.pipeline.catch_up(60)
        self.sql(f"INSERT INTO {self.table} VALUES (2, 'before')")
        self.inside, self.end = self.around()
        self.sql(f"INSERT INTO {self.table} VALUES (900000, 'behind')")

    def sql(self, text):
        self.source.query(text, self.source.installer)

    def around(self):
        """Large enough to be streamed before it commits, or to come in parts. In MySQL's log it has
        no place before: a position inside is made up from its ends."""
        before = self.source.place()
        link = self.source.connect(self.source.installer, autocommit=False)
        with link.cursor() as cursor:
            cursor.execute(f"INSERT INTO {self.table} SELECT g, repeat('x', 200) "
                           f"FROM {self.source.series(3, self.half)}")
            inside = self.source.place()
            cursor.execute(f"INSERT INTO {self.table} SELECT g, 'y' "
                           f"FROM {self.source.series(self.half + 1, 2 * self.half)}")
        link.commit()
        link.close()
        end = self.source.place()
        if self.source.engine != "postgresql":
            file, offset = end.split(":")
            inside = f"{file}:{(int(before.split(':')[1]) + int(offset)) // 2}"
        return inside, end

    def run_until(self, position):
        result = self.pipeline.call("run", "--until", position, "--progress", "none")
        require(result.returncode == 0, f"--until ended with {result.returncode}: {result.stderr}")
        name = self.pipeline.target_name("t")
        return self.target.query(f"SELECT count(*), max(id) FROM {name}")[0]


def cut(options):
    case = Cut(options)
    found = tuple(case.run_until(case.inside))
    require(found == (2, 2), f"inside the transaction: {found}")
    found = tuple(case.run_until(case.end))
    require(found == (2 * case.half,) * 2, f"behind the transaction: {found}")
    case.pipeline.catch_up(60)
    require_equal(case.source, case.target, case.pipeline)


if __name__ == "__main__":
    chosen = arguments(__doc__)
    proof = Proof()
    for target in (chosen.target, "sqlite"):
        chosen.target = target
        proof.check(f"until: a position inside a transaction ({target})", cut, chosen)
    proof.end()
