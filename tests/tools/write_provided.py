"""Write ``frontends/tf/PROVIDED.md``: which names of TF1 graphc provides, most used first.

    python -m tests.tools.write_provided

``tests/frontends/tf1_symbols.tsv`` counts in how many of 3,005 public TF1 scripts each name is
used.  A test compares the page with what this makes, so it changes with the names.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from frontends.scripts.checking import look_up
from frontends.tf.names.families import FAMILIES, family_of
from frontends.tf.names.missing import tf1_names
from tests.conftest import TESTS

SYMBOLS = TESTS / "frontends" / "tf1_symbols.tsv"
PAGE = TESTS.parent / "frontends" / "tf" / "PROVIDED.md"
COUNTED = 300

HEAD = """\
# Which names of TF1 are provided

Written by `python -m tests.tools.write_provided`; a test compares. The names and their order are
those of 3,005 public TF1 scripts, by how many use each; `graphc check SCRIPT` tells the same of a
script.

{summary}

A name is *provided* when it leads to something that works, *later* when it belongs to a family that
is not there yet, and *not TF1's* when no release of TF1 had it in public: other packages' additions
and misspellings.

| family | names provided | names to come |
|---|---|---|
{families}
"""


@dataclass(frozen=True)
class Row:
    """One name of the table: where it stands, and of which family it is when it is absent."""

    name: str
    scripts: int
    value: Any
    is_provided: bool
    family: str
    is_tf1s: bool

    @property
    def counts(self) -> bool:
        """Whether it is among the names that are to work now."""
        return self.is_tf1s and not self.family

    @property
    def standing(self) -> str:
        if self.is_provided:
            return "provided"
        if not self.is_tf1s:
            return "not TF1's"
        return f"later: {self.family}" if self.family else "no"


def rows() -> list[Row]:
    """The names in their order."""
    lines = SYMBOLS.read_text(encoding="utf-8").splitlines()[1:]
    return [row_of(*line.split("\t")[:2]) for line in lines]


def row_of(symbol: str, scripts: str) -> Row:
    name = symbol.removeprefix("tf.")
    _, value, problem = look_up(name)
    family = family_of(name)
    return Row(
        name, int(scripts), value, not problem, family.key if family else "", is_tf1s(name)
    )  # fmt: skip


def is_tf1s(name: str) -> bool:
    """Whether TF1 had the name, or the class or value it is an attribute of."""
    parts = name.split(".")
    tops = (".".join(parts[: k + 1]) for k in range(len(parts)))
    return name in tf1_names() or any(top in tf1_names() and _is_leaf(top) for top in tops)


def _is_leaf(name: str) -> bool:
    return name.rpartition(".")[2] not in ("flags", "GraphKeys") and not any(
        other.startswith(f"{name}.") for other in tf1_names()
    )


def page(table: list[Row]) -> str:
    """The page for these rows."""
    lines = [
        HEAD.format(summary=_summary(table), families="\n".join(_families(table))),
        "| name | scripts | |",
        "|---|---|---|",
        *(f"| `tf.{row.name}` | {row.scripts} | {row.standing} |" for row in table),
    ]
    return "\n".join(lines) + "\n"


def _summary(table: list[Row]) -> str:
    counted = [row for row in table if row.counts]
    first = counted[:COUNTED]
    absent = [f"`{row.name}`" for row in first if not row.is_provided]
    there = len(first) - len(absent)
    said = f"**Of the first {len(first)} names outside the families below, {there} are provided.**"
    if absent:
        said += f" Absent: {', '.join(absent)}."
    return f"{said} Of all {len(counted)}, {sum(row.is_provided for row in counted)} are provided."


def _families(table: list[Row]) -> list[str]:
    count = Counter((row.family, row.is_provided) for row in table)
    return [
        f"| {one.key}: {one.title} | {count[one.key, True]} | {count[one.key, False]} |"
        for one in FAMILIES
    ]


if __name__ == "__main__":
    PAGE.write_text(page(rows()), encoding="utf-8")
