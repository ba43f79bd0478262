"""Values of different engines made comparable: canonical texts.

The canonical text of a value is what PostgreSQL prints for its kind with ISO dates, UTC, hexadecimal
bytea; each end turns what it stores into that, by the kind that the source's column has, and nothing is
rounded. Floats are compared by their bits, whole numbers as numbers.

Kinds: integer, decimal, float32, float64, boolean, bytes, time, timestamp, timestamptz, duration, bits,
char, text (which is everything else).
"""

import re
import struct
from collections import namedtuple

Column = namedtuple("Column", "name kind is_generated")


def canonical(kind, text):
    """Of a text or number in the canonical form, something that compares by value."""
    if text is None:
        return None
    if kind == "integer":
        return int(text)
    if kind == "float64":
        return float(text).hex()
    if kind == "float32":
        return single(float(text)).hex()
    return text


def single(value):
    """The 32-bit float that is nearest."""
    return struct.unpack("f", struct.pack("f", value))[0]


def shortest_single(value):
    """The double that shows the fewest digits which tell this 32-bit float from all others."""
    if value != value or value in (float("inf"), float("-inf")):
        return value
    for digits in range(1, 10):
        shown = float(f"{value:.{digits}g}")
        if abs(shown) < 3.5e38 and single(shown) == value:
            return shown
    return value


def trimmed(moment):
    """A fraction of a second without its last zeros, as PostgreSQL writes it."""
    return re.sub(r"\.(\d*?)0+$", lambda found: f".{found[1]}" if found[1] else "", moment)


def hexadecimal(data):
    return "\\x" + bytes(data).hex()


def quoted(name):
    return '"' + name.replace('"', '""') + '"'
