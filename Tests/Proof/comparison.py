"""Source and target compared by value, whatever their engines: see values.py."""

from collections import Counter

from harness import require


def differences(source, target, pipeline=None, only=None):
    """One line per table that differs, [] when all are equal by value."""
    found = []
    for table in only or source.table_names():
        columns = source.columns(table)
        if source.engine == target.engine == "postgresql":
            if source.digest(table, columns) == target.digest(table, columns):
                continue
        name = pipeline.target_table(table) if target.engine == "sqlite" else table
        left, right = counted(source, target, table, name, columns)
        if left != right:
            found.append(describe(table, left, right))
    return found


def counted(source, target, table, name, columns):
    """How often each row is there. A generated column may be missing, and `plan` says so."""
    missing, there = target.values(name, columns)
    require(missing <= {column.name for column in columns if column.is_generated},
            f"{table} lacks {missing}")
    kept = [place for place, column in enumerate(columns) if column.name not in missing]
    _, rows = source.values(table, columns)
    return tuple(Counter(tuple(row[place] for place in kept) for row in side)
                 for side in (rows, there))


def describe(table, left, right):
    missing = [row for row in left if left[row] > right.get(row, 0)]
    extra = [row for row in right if right[row] > left.get(row, 0)]

    def some(rows):
        return "; ".join(str(row)[:120] for row in sorted(rows, key=str)[:5])
    return (f"{table}: {len(missing)} rows missing [{some(missing)}], "
            f"{len(extra)} rows extra [{some(extra)}]")


def require_equal(source, target, pipeline=None, only=None):
    found = differences(source, target, pipeline, only)
    require(not found, "source and target differ:\n  " + "\n  ".join(found))
