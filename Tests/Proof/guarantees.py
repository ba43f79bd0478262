#!/usr/bin/python3
"""Every test that docs/guarantees.md names is there; counts what is shown and what is not yet."""

import re

from lab import REPOSITORY, Proof, require

PAGE = REPOSITORY / "docs/guarantees.md"
EXPECTED = {"I": 9, "P": 69, "B": 67, "A": 57}


def rows():
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        found = re.match(r"([IPBA])(\d+)\b", cells[0]) if line.startswith("|") else None
        if found:
            yield found[1], int(found[2]), cells[-1]


def display_names():
    text = ""
    for path in (REPOSITORY / "Tests").rglob("*.swift"):
        text += path.read_text(encoding="utf-8")
    return text


def is_there(name):
    return any((REPOSITORY / "Tests" / folder / name).exists() for folder in ("Scenarios", "Proof"))


def complete():
    for letter, count in EXPECTED.items():
        numbers = [number for kind, number, _ in rows() if kind == letter]
        require(numbers == list(range(1, count + 1)), f"{letter}: {numbers}")


def named_tests_exist():
    swift, missing = display_names(), []
    for letter, number, shown in rows():
        names = re.findall(r"`([^`]+)`", re.sub(r'"[^"]*"', "", shown))
        missing += [f"{letter}{number:02}: {name}" for name in names if not is_there(name)
                    and not (REPOSITORY / name).exists()]
        missing += [f"{letter}{number:02}: {name}" for name in re.findall(r'"([^"]+)"', shown)
                    if f'"{name}"' not in swift]
        require(names or '"' in shown or shown == "not yet", f"{letter}{number:02}: no test")
    require(not missing, "not there:\n  " + "\n  ".join(missing))


def main():
    proof = Proof()
    proof.check("guarantees: every invariant and trap has its line", complete)
    proof.check("guarantees: every test named is there", named_tests_exist)
    for letter, count in EXPECTED.items():
        shown = sum(1 for kind, _, cell in rows() if kind == letter and cell != "not yet")
        print(f"{letter}: {shown} of {count} shown by a test")
    proof.end()


main()
