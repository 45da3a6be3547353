"""What a compilation is asked to do: one frozen record that every pass receives."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphc.ir.graph import Node


@dataclass(frozen=True)
class Note:
    """One thing a pass did or declined, and to which node."""

    stage: str
    node: str
    text: str


@dataclass
class Log:
    """What passes did and why they declined; the report reads it."""

    notes: list[Note] = field(default_factory=list)

    def note(self, stage: str, node: Node | None, text: str) -> None:
        self.notes.append(Note(stage, node.name if node is not None else "", text))


@dataclass(frozen=True)
class Options:
    """``level`` 0 runs required passes only; ``target`` names the device kind compiled for.

    ``check`` verifies the graph after every pass and shuffles node order before it; ``skip`` and
    ``dump`` hold names of passes (``dump`` may hold "all").  The log is no part of what is asked.
    """

    level: int = 1
    target: str = "cpu"
    check: bool = False
    skip: frozenset[str] = frozenset()
    dump: frozenset[str] = frozenset()
    log: Log = field(default_factory=Log, compare=False, repr=False)

    @property
    def key(self) -> str:
        """What of the options the result depends on: part of a Program's cache key."""
        return f"level={self.level} target={self.target} skip={','.join(sorted(self.skip))}"

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, **given: Any
    ) -> Options:
        """Options with ``GRAPHC_CHECK=1``, ``GRAPHC_SKIP=cse,simplify`` and ``GRAPHC_DUMP=all``
        taken from the environment where ``given`` does not say."""
        said = os.environ if environment is None else environment
        found: dict[str, Any] = {"check": said.get("GRAPHC_CHECK", "") not in ("", "0")}
        for key in ("skip", "dump"):
            names = said.get(f"GRAPHC_{key.upper()}", "")
            found[key] = frozenset(filter(None, map(str.strip, names.split(","))))
        return cls(**{**found, **given})
