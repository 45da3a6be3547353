"""Memory of a run kept under a limit, by running turns of loops again.

What a loop keeps of every turn for its gradient is weighed against what it keeps of segments
(:mod:`graphc.passes.loops.segments`), by bytes: everything, then segments of the square root of its
turns, then of the length that keeps least, then segments in segments.  The loop that saves most by
the next step takes it, until the estimate fits; then the graph is compiled and its memory plan
asked, which is the truth.  (Square roots: Chen, Xu, Zhang and Guestrin, "Training Deep Nets with
Sublinear Memory Cost", 2016; more levels for less memory: Griewank, "Achieving Logarithmic Growth
of Temporal and Spatial Complexity in Reverse Automatic Differentiation", 1992.)

What counts is the arena: temporaries of the run.  Variables, what is fed and what is fetched are
the caller's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from graphc.errors import ResourceExhaustedError
from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.dtype import as_dtype
from graphc.lowering.memory_plan import plan_memory
from graphc.lowering.program import Program
from graphc.passes.options import Log, LoopMemory, Options

MOST_LEVELS = 4  # of segments in segments: the turns are run once more for each
MOST_TRIALS = 12


@dataclass(frozen=True)
class LoopChoice:
    """What was decided for one loop: bytes of ``everything`` it would keep for its gradients, and
    those it ``keeps`` (None: not known)."""

    name: str
    line: str
    turns: str
    strategy: str
    lengths: tuple[int, ...]
    everything: int | None
    keeps: int | None
    because: str


@dataclass(frozen=True)
class Choice:
    """How a limit was met: ``everything`` is the peak with all kept, ``peak`` that of the result,
    0 where sizes are not known before a run."""

    limit: int
    everything: int
    peak: int
    loops: tuple[LoopChoice, ...]


def within_limit(options: Options, compile: Callable[[Options], Any]) -> tuple[Any, Choice]:
    """The compilation that keeps to ``options.memory_limit``, and how; ``compile`` makes one.

    A compilation has a ``program`` and the ``options`` it was made with.  Sizes are those of
    ``options.expected``; where they do not say all, everything is kept.  Raises
    ResourceExhaustedError where no choice is small enough.
    """
    search = _Search(options, compile)
    found = search.run()
    choice = search.choice()
    if choice.peak > options.memory_limit:
        raise _not_met(choice, ", ".join(fetch.name for fetch in found.program.fetches))
    return found, choice


def temporaries(program: Program, values: Mapping[str, int]) -> int | None:
    """Bytes of the arena with these sizes; None where they do not say all.

    What a plan adds for chunks that run at a time is counted once.
    """
    sizes: dict[int, int] = {}
    for number, (first, last) in (ranges := program.live_ranges()).items():
        assert first <= last
        buffer = program.buffers[number]
        elements = dims.substitute(dims.product(buffer.shape), values)
        if not isinstance(elements, int):
            return None
        sizes[number] = elements * as_dtype(buffer.dtype).size
    return plan_memory(ranges, sizes).peak


# --- loops as numbers -----------------------------------------------------------------------------


@dataclass
class _Loop:
    """A loop with its sizes known, and the ways it may keep less, the fastest first."""

    facts: LoopMemory
    turns: int
    beginning: int
    kept: int
    ways: list[tuple[int, ...]] = field(default_factory=list)
    at: int = 0

    @property
    def lengths(self) -> tuple[int, ...]:
        return self.ways[self.at]

    def keeps(self, lengths: tuple[int, ...]) -> int:
        """Bytes kept at most: beginnings of segments at each level, and one segment's turns."""
        return self._keeps(self.turns, lengths)

    def _keeps(self, turns: int, lengths: tuple[int, ...]) -> int:
        lengths = tuple(m for m in lengths if m < turns)
        if not lengths:
            return turns * self.kept
        count, rest = divmod(turns, lengths[0])
        one = self._keeps(lengths[0], lengths[1:])
        return count * self.beginning + one + self._keeps(rest, lengths[1:])

    def saves(self) -> int:
        """Bytes that the next way keeps less."""
        if self.at + 1 >= len(self.ways):
            return 0
        return self.keeps(self.lengths) - self.keeps(self.ways[self.at + 1])


def _loop(facts: LoopMemory, values: Mapping[str, int]) -> _Loop | None:
    if facts.kept is None:
        return None
    numbers = [_number(d, values) for d in (facts.turns, facts.beginning, facts.kept)]
    if any(n is None for n in numbers):
        return None
    turns, beginning, kept = (n for n in numbers if n is not None)
    loop = _Loop(facts, turns, beginning, max(kept, 0))
    loop.ways = [(), *([] if facts.refused else _ways(loop))]
    return loop


def _number(dim: Dim, values: Mapping[str, int]) -> int | None:
    value = dims.substitute(dim, values)
    return value if isinstance(value, int) else None


def _ways(loop: _Loop) -> Iterator[tuple[int, ...]]:
    """Lengths of segments that keep ever less: of one level, of two, and so on, with as many
    segments at each as a segment has turns; and then those that keep least."""
    least = loop.keeps(())
    if loop.turns < 2 or not loop.kept:
        return
    alike = loop.turns * loop.kept / max(loop.beginning, 1)
    for levels in range(1, MOST_LEVELS + 1):
        for product in (loop.turns, alike):
            lengths = _falling(loop.turns, levels, product ** (1 / (levels + 1)))
            if lengths and loop.keeps(lengths) < least:
                least = loop.keeps(lengths)
                yield lengths


def _falling(turns: int, levels: int, parts: float) -> tuple[int, ...]:
    """The lengths of segments of which each level has so many; empty where there are not so many
    levels."""
    found: list[int] = []
    for _ in range(levels):
        turns = _near(turns, turns / parts)
        if found and turns >= found[-1]:
            return ()
        found.append(turns)
    return tuple(found)


def _near(turns: int, wanted: float) -> int:
    """A length near the wanted one, which divides the turns if one within a factor of 1.5 does."""
    whole = max(1, round(wanted))
    tried = range(max(1, math.ceil(wanted / 1.5)), math.floor(wanted * 1.5) + 1)
    even = [m for m in tried if turns % m == 0]
    return min(even, key=lambda m: (abs(math.log(m / wanted)), m)) if even else whole


# --- the search -----------------------------------------------------------------------------------


class _Search:
    """Compiles with ever less kept until the memory plan fits."""

    def __init__(self, options: Options, compile: Callable[[Options], Any]) -> None:
        self.options, self.compile = options, compile
        self.values = dict(options.expected)
        self.limit = options.memory_limit
        self.loops: list[_Loop] = []
        self.everything = 0
        self.peak = 0
        self.log: list[LoopMemory] = []

    def run(self) -> Any:
        found = self._compiled(self.options.cuts)
        self.log = found.options.log.loops
        peak = temporaries(found.program, self.values)
        if peak is None:
            return found
        self.everything = self.peak = peak
        known = (_loop(facts, self.values) for facts in self.log)
        self.loops = [loop for loop in known if loop is not None]
        allowed = self.limit  # what stands between loops may go with what they keep
        for _ in range(MOST_TRIALS):
            if self.peak <= self.limit or not self._advance(allowed):
                break
            tried = self._compiled(self._cuts())
            peak = temporaries(tried.program, self.values)
            assert peak is not None
            found, self.peak = tried, peak
            allowed = self.limit - max(0, peak - self._estimate())
        return found

    def _advance(self, allowed: int) -> bool:
        """Let loops keep less, by one step at least, until the estimate is allowed."""
        moved = False
        while not moved or self._estimate() > allowed:
            loop = max(self.loops, key=_Loop.saves, default=None)
            if loop is None or loop.saves() <= 0:
                break
            loop.at += 1
            moved = True
        return moved

    def _estimate(self) -> int:
        return sum(loop.keeps(loop.lengths) for loop in self.loops)

    def _cuts(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        chosen = tuple((loop.facts.name, loop.lengths) for loop in self.loops if loop.lengths)
        return (*chosen, *self.options.cuts)

    def _compiled(self, cuts: tuple[tuple[str, tuple[int, ...]], ...]) -> Any:
        return self.compile(replace(self.options, cuts=cuts, log=Log()))

    def choice(self) -> Choice:
        because = f"all kept, the run would take {self.everything} bytes"
        fits = "it fits" if self.peak <= self.limit else "less would not help"
        rows = (
            _row(loop.facts, loop, loop.lengths, because if loop.lengths else fits)
            for loop in self.loops
        )
        known = {loop.facts.name for loop in self.loops}
        others = (facts for facts in self.log if facts.name not in known)
        return Choice(self.limit, self.everything, self.peak, (*rows, *map(_unchosen, others)))


def loops_of(log: Log, values: Mapping[str, int]) -> tuple[LoopChoice, ...]:
    """What the loops of a compilation without a limit keep."""
    pairs = ((facts, _loop(facts, values)) for facts in log.loops)
    return tuple(
        _unchosen(facts) if loop is None else _row(facts, loop, (), "no limit is said")
        for facts, loop in pairs
    )


def _row(facts: LoopMemory, loop: _Loop, lengths: tuple[int, ...], because: str) -> LoopChoice:
    return LoopChoice(
        facts.name, facts.line, str(loop.turns), _strategy(lengths), lengths, loop.keeps(()),
        loop.keeps(lengths), facts.refused or because,
    )  # fmt: skip


def _unchosen(facts: LoopMemory) -> LoopChoice:
    """A loop whose lengths the caller chose, or whose sizes are not known."""
    because = "asked for" if facts.cuts else facts.refused or "its sizes are not known here"
    return LoopChoice(facts.name, facts.line, str(facts.turns), _strategy(facts.cuts), facts.cuts,
                      None, None, because)  # fmt: skip


def _strategy(lengths: tuple[int, ...]) -> str:
    """The name of a way to keep less."""
    if not lengths:
        return "store all"
    return "square root" if len(lengths) == 1 else f"{len(lengths)} levels"


def _not_met(choice: Choice, title: str) -> ResourceExhaustedError:
    rows = [
        (loop.name, f"{loop.turns} turns, {loop.strategy}",
         f"keeps {loop.keeps} of {loop.everything} bytes" + f", {loop.line}" * bool(loop.line))
        for loop in sorted(choice.loops, key=lambda loop: -(loop.keeps or 0))
    ]  # fmt: skip
    return ResourceExhaustedError(
        f"memory_limit is {choice.limit} bytes, and the least that was reached for temporaries is "
        f"{choice.peak} (with everything kept: {choice.everything}); nothing has run",
        subject=f"run of {title or 'operations'}",
        rows=rows,
        hint=f"allow memory_limit={choice.peak}, or feed smaller batches",
    )
