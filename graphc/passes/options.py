"""What a compilation is asked to do: one frozen record that every pass receives."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphc.ir.dims import Dim
from graphc.ir.graph import Node

CONTRACTIONS = ("generated", "blas", "auto")  # the first unless somebody says


@dataclass(frozen=True)
class Note:
    """One thing a pass did or declined, and to which node."""

    stage: str
    node: str
    text: str


@dataclass
class LoopMemory:
    """What a loop keeps for the loops of its gradients, in bytes.

    ``scans`` are the names of all of them, the loop's own first.  ``beginning`` is what its carries
    and those of the others that are run again take, ``kept`` what it keeps of every turn (None: not
    known, for it is cut) but for what it reads and gives in any case, the tensors ``stays``.
    ``cuts`` are the lengths of the segments it was cut into; ``refused`` says why it must not be.
    """

    name: str
    line: str
    scans: tuple[str, ...]
    turns: Dim
    beginning: Dim
    stays: frozenset[str]
    cuts: tuple[int, ...] = ()
    refused: str = ""
    kept: Dim | None = None


@dataclass
class Log:
    """What passes did and why they declined; the report reads it."""

    notes: list[Note] = field(default_factory=list)
    loops: list[LoopMemory] = field(default_factory=list)

    def note(self, stage: str, node: Node | None, text: str) -> None:
        self.notes.append(Note(stage, node.name if node is not None else "", text))


@dataclass(frozen=True)
class Options:
    """``level`` 0 runs required passes only; ``target`` names the device kind compiled for.

    ``check`` verifies the graph after every pass and shuffles node order before it; ``skip`` and
    ``dump`` hold names of passes (``dump`` may hold "all").  ``contraction`` says what multiplies
    matrices: "generated" kernels, "blas", or either by a measured table ("auto").  ``cuts`` pairs
    names of loops, or patterns, with the lengths of the segments their turns are run again in
    (:mod:`graphc.passes.loops.segments`).  ``memory_limit`` is the most bytes a run's temporaries
    may take (0: no limit) with the sizes ``expected`` (:mod:`graphc.budget`).  The log is no part
    of what is asked.
    """

    level: int = 1
    target: str = "cpu"
    check: bool = False
    skip: frozenset[str] = frozenset()
    dump: frozenset[str] = frozenset()
    contraction: str = "generated"
    cuts: tuple[tuple[str, tuple[int, ...]], ...] = ()
    memory_limit: int = 0
    expected: tuple[tuple[str, int], ...] = ()
    log: Log = field(default_factory=Log, compare=False, repr=False)

    @property
    def key(self) -> str:
        """What of the options the result depends on: part of a Program's cache key."""
        skipped = ",".join(sorted(self.skip))
        by = self.contraction
        said = f"level={self.level} target={self.target} skip={skipped} contraction={by}"
        if self.cuts:
            said += f" cuts={self.cuts}"
        if self.memory_limit:
            said += f" memory_limit={self.memory_limit} expected={self.expected}"
        return said

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, **given: Any
    ) -> Options:
        """Options with ``GRAPHC_CHECK=1``, ``GRAPHC_SKIP=cse,simplify``, ``GRAPHC_DUMP=all`` and
        ``GRAPHC_CONTRACTION=blas`` taken from the environment where ``given`` does not say."""
        said = os.environ if environment is None else environment
        found: dict[str, Any] = {"check": said.get("GRAPHC_CHECK", "") not in ("", "0")}
        for key in ("skip", "dump"):
            names = said.get(f"GRAPHC_{key.upper()}", "")
            found[key] = frozenset(filter(None, map(str.strip, names.split(","))))
        found["contraction"] = _contraction(said.get("GRAPHC_CONTRACTION", ""))
        return cls(**{**found, **given})


def _contraction(said: str) -> str:
    wanted = said.strip().lower() or CONTRACTIONS[0]
    if wanted not in CONTRACTIONS:
        allowed = ", ".join(CONTRACTIONS)
        raise ValueError(f"GRAPHC_CONTRACTION is {said!r}: it must be one of {allowed}")
    return wanted
