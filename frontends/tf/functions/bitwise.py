"""``tf.bitwise``: the bits of integers.  All its names are plain forwards."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    from frontends.tf.names.missing import elsewhere

    return elsewhere("bitwise", name, __dir__)


def __dir__() -> list[str]:
    from frontends.tf.names.forwards import FORWARDS

    return sorted(row.partition(".")[2] for row in FORWARDS if row.startswith("bitwise."))
