"""The Program: what compilation makes, as frozen data.  It knows no device and no concrete size.

A Program is a list of *steps* over *buffers*.  Sizes are dims over symbols; binding the symbols to
numbers (from the feeds' shapes) gives a plan, which the runtime makes.  Steps up to ``commit`` may
fail and change no variable; steps from ``commit`` on write variables and cannot fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np

from graphc.codegen.kernel import Kernel
from graphc.ir.dims import Dim, Shape, symbol
from graphc.ir.op import Op
from graphc.ir.source import Site
from graphc.lowering.facts import ContractionFacts

# Steps of a block's extent per chunk, known when a plan is made; it may stand among a block's
# sizes.
GRAIN = symbol("@grain")


class Place(Enum):
    """Where a buffer lives."""

    ARENA = "arena"  # a temporary of the run
    FEED = "feed"  # the caller's array, only read
    FETCH = "fetch"  # a fresh array that becomes the caller's
    VARIABLE = "variable"  # the session's
    RANDOM = "random"  # the session's: key and execution count of a random op
    CONSTANT = "constant"  # the program's
    SLICE = "slice"  # where a turn of a loop stands in another buffer: ``key`` is (buffer, loop)
    STEP = "step"  # the number of a turn


@dataclass(frozen=True)
class Buffer:
    """A piece of memory: ``shape`` elements of ``dtype``; ``label`` is who made it.

    ``key`` is the variable's or random state's key, or the number of the feed, fetch or constant.
    ``per_chunk`` buffers have one more leading axis, the launch's chunks.
    """

    place: Place
    dtype: str
    shape: Shape
    label: str
    key: Any = ""
    per_chunk: bool = False


@dataclass(frozen=True)
class Block:
    """One argument block of a launch: buffers per operand, then dims for strides and sizes."""

    buffers: tuple[int, ...]
    strides: tuple[Dim, ...]
    sizes: tuple[Dim, ...]
    extent: Dim
    inner: Dim  # elements per step of the extent
    facts: ContractionFacts | None = None  # of a product or a convolution; not stored


@dataclass(frozen=True)
class Origin:
    """What a step came from, for reports and messages."""

    names: tuple[str, ...]
    sites: tuple[Site, ...] = ()


@dataclass(frozen=True)
class Launch:
    """Run a kernel over a list of blocks.  Bit k of a failed status belongs to ``checks[k]``."""

    kernel: int
    blocks: tuple[Block, ...]
    weight: float  # estimated nanoseconds per element on one core
    flops: Dim
    origin: Origin
    checks: tuple[str, ...] = ()
    other: Launch | None = None  # the same by BLAS, for a plan to choose


@dataclass(frozen=True)
class Copy:
    """Copy a whole buffer to another."""

    source: int
    target: int
    origin: Origin


@dataclass(frozen=True)
class Host:
    """Run an op's ``host`` in Python on copies of its operands; ``binds`` are dims it decides."""

    op: Op
    node: str
    operands: tuple[int, ...]
    shapes: tuple[Shape, ...]  # of the operands as the op sees them
    results: tuple[int, ...]
    binds: tuple[tuple[int, int | None, str], ...]  # (result, axis, symbol); no axis: its numbers
    origin: Origin


@dataclass(frozen=True)
class Turns:
    """Begin a loop: the steps up to its :class:`Again`, ``trips`` times (None: until a step leads
    out of it).  ``step`` is the buffer with the number of the turn, which falls if ``reverse``.

    ``counts`` is the data-dependent size that the number of its turns is, where something needs it:
    buffers whose first size it is grow while the loop runs.
    """

    loop: int
    trips: Dim | None
    reverse: bool
    step: int
    origin: Origin
    counts: str = ""


@dataclass(frozen=True)
class Again:
    """The end of a loop's turn."""

    loop: int
    origin: Origin


@dataclass(frozen=True)
class Unless:
    """Go on at ``label`` unless the bool in ``pred`` is true."""

    pred: int
    label: int
    origin: Origin


@dataclass(frozen=True)
class Goto:
    """Go on at ``label``, further down."""

    label: int
    origin: Origin


@dataclass(frozen=True)
class Label:
    """Where steps above lead to."""

    label: int
    origin: Origin


Jumps = Turns | Again | Unless | Goto | Label
Step = Launch | Copy | Host | Jumps


@dataclass(frozen=True)
class Feed:
    """A tensor the caller feeds; ``shape`` binds symbols."""

    name: str
    dtype: str
    shape: Shape
    buffer: int
    site: Site | None = None


@dataclass(frozen=True)
class Fetch:
    """A tensor the caller gets; ``buffer`` holds it when the run ends."""

    name: str
    dtype: str
    shape: Shape
    buffer: int


@dataclass(frozen=True)
class Check:
    """Two dims that must be equal, and the line that says so."""

    left: Dim
    right: Dim
    what: str
    node: str
    site: Site | None


@dataclass(frozen=True)
class Inside:
    """A value that exists only inside a kernel: the op that gives it.

    Operands are buffers; ``-k`` is the value that stands k-th (from 1) in the list this stands in.
    """

    op: Op
    operands: tuple[int, ...]
    shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class Failing:
    """A node whose run-time check can fail: enough to find the culprit with its reference."""

    op: Op
    operands: tuple[int, ...]  # as those of ``Inside``
    shapes: tuple[Shape, ...]
    operand_names: tuple[str, ...]
    node: str  # whose failure it is: a gradient's check is its forward node's
    site: Site | None
    inside: tuple[Inside, ...] = ()  # in dependency order


@dataclass(frozen=True)
class Program:
    """A compiled graph."""

    title: str
    feeds: tuple[Feed, ...]
    fetches: tuple[Fetch, ...]
    buffers: tuple[Buffer, ...]
    kernels: tuple[Kernel, ...]
    steps: tuple[Step, ...]
    commit: int
    constants: tuple[np.ndarray, ...]
    checks: tuple[Check, ...]
    failing: dict[str, Failing] = field(default_factory=dict)
    backups: tuple[tuple[str, str], ...] = ()  # (variable key, why it is copied before its write)
    declined: tuple[tuple[str, str, str], ...] = ()  # fusion: producer, consumer, reason

    def reads(self, step: Step) -> Iterator[int]:
        """The buffers a step reads."""
        match step:
            case Launch():
                if step.other is not None:
                    yield from self.reads(step.other)
                operands = self.kernels[step.kernel].operands
                for block in step.blocks:
                    yield from (
                        b for b, o in zip(block.buffers, operands, strict=True) if o.access != "w"
                    )
            case Copy():
                yield step.source
            case Host():
                yield from step.operands
            case Unless():
                yield step.pred

    def writes(self, step: Step) -> Iterator[int]:
        """The buffers a step writes."""
        match step:
            case Launch():
                if step.other is not None:
                    yield from self.writes(step.other)
                operands = self.kernels[step.kernel].operands
                for block in step.blocks:
                    yield from (
                        b for b, o in zip(block.buffers, operands, strict=True) if o.access != "r"
                    )
            case Copy():
                yield step.target
            case Host():
                yield from step.results

    def live_ranges(self) -> dict[int, tuple[int, int]]:
        """For each arena buffer, the first and last step that touches it."""
        ranges: dict[int, tuple[int, int]] = {}
        for at, step in enumerate(self.steps):
            for buffer in map(self.base, (*self.reads(step), *self.writes(step))):
                if self.buffers[buffer].place is Place.ARENA:
                    first, _ = ranges.get(buffer, (at, at))
                    ranges[buffer] = (first, at)
        for begin, end in self.loops():
            for buffer, (first, last) in ranges.items():
                if first < begin <= last or first <= end < last:  # it outlives a turn
                    ranges[buffer] = (min(first, begin), max(last, end))
        return ranges

    def base(self, buffer: int) -> int:
        """The buffer that a slice stands in."""
        while self.buffers[buffer].place is Place.SLICE:
            buffer = self.buffers[buffer].key[0]
        return buffer

    def loops_around(self, at: int) -> list[tuple[int, str]]:
        """The loops a step stands in, the innermost first, and what they came from."""
        found = []
        for begin, end in self.loops():
            step = self.steps[begin]
            if begin < at < end and isinstance(step, Turns):
                found.append((step.loop, step.origin.names[0]))
        return found

    def loops(self) -> list[tuple[int, int]]:
        """The first and last step of each loop, inner loops first."""
        begins: dict[int, int] = {}
        found: list[tuple[int, int]] = []
        for at, step in enumerate(self.steps):
            if isinstance(step, Turns):
                begins[step.loop] = at
            elif isinstance(step, Again):
                found.append((begins[step.loop], at))
        return found
