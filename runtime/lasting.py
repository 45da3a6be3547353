"""What a run makes of variables alone: made once, and again after something was written.

A program that changes nothing (a prediction) may start with steps that read variables only: filters
packed for a convolution, the scale that batch normalization amounts to. These are rows of a table
of their own, their results lie in memory that lasts as long as the plan, and they run when the
session's gate says that somebody has written since.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from graphc.lowering.memory_plan import MemoryPlan, aligned, plan_memory
from graphc.lowering.program import Copy, Launch, Place, Program, Step
from runtime.devices.cpu import table as codes
from runtime.devices.cpu.boot import native
from runtime.devices.cpu.table import RunState, Table
from runtime.locks import Lock
from runtime.memory import Arena

LASTING = "lasting"
MOST = 4  # bytes kept for each byte of the variables they are made of


@dataclass(frozen=True)
class Lasting:
    """The steps of a program that are made of variables alone, and where their results lie."""

    steps: frozenset[int]
    memory: MemoryPlan

    @property
    def buffers(self) -> Collection[int]:
        return self.memory.offsets.keys()


NOTHING = Lasting(frozenset(), MemoryPlan({}, 0, 0))


def lasting_part(program: Program, steps: Sequence[Step], nbytes: Sequence[int]) -> Lasting:
    """The launches whose operands are variables, constants and results of other such launches.

    None of a program that writes variables, can fail, or does more than launch and copy: there the
    order of the steps means more than which of them reads what.
    """
    if not all(isinstance(s, Copy) or (isinstance(s, Launch) and not s.checks) for s in steps):
        return NOTHING
    place = [buffer.place for buffer in program.buffers]
    writers: dict[int, set[int]] = {}
    for number, step in enumerate(steps):
        for buffer in program.writes(step):
            if place[buffer] is Place.VARIABLE:
                return NOTHING
            writers.setdefault(buffer, set()).add(number)
    found = {k for k, step in enumerate(steps) if isinstance(step, Launch)}

    def stays(buffer: int) -> bool:
        if place[buffer] is Place.ARENA:
            return writers.get(buffer, set()) <= found
        return place[buffer] in (Place.VARIABLE, Place.CONSTANT)

    def lasts(number: int) -> bool:
        written = program.writes(steps[number])
        return all(map(stays, (*program.reads(steps[number]), *written))) and all(
            place[buffer] is Place.ARENA for buffer in written
        )

    while not all(kept := {number: lasts(number) for number in sorted(found)}.values()):
        found = {number for number, yes in zip(sorted(found), kept, strict=True) if yes}
    memory = _memory(program, steps, found, nbytes)
    read = {b for k in found for b in program.reads(steps[k]) if place[b] is Place.VARIABLE}
    if not read or memory.peak > MOST * sum(aligned(nbytes[b]) for b in read):
        return NOTHING
    return Lasting(frozenset(found), memory)


def _memory(
    program: Program, steps: Sequence[Step], found: set[int], nbytes: Sequence[int]
) -> MemoryPlan:
    """Results that others read lie there for ever, the rest until the last of ``found`` is done
    with it."""
    ranges: dict[int, tuple[int, int]] = {}
    for number, step in enumerate(steps):
        for buffer in (*program.reads(step), *program.writes(step)):
            if program.buffers[buffer].place is not Place.ARENA:
                continue
            if number in found:
                first, last = ranges.get(buffer, (number, 0))
                ranges[buffer] = (first, max(last, number))
            elif buffer in ranges:
                ranges[buffer] = (ranges[buffer][0], len(steps))
    return plan_memory(ranges, {b: nbytes[b] for b in ranges})


class Kept:
    """The memory of a plan's lasting part, and the run that makes it anew."""

    def __init__(self, table: Table, size: int) -> None:
        self.table = table
        self.arena = Arena(size)
        self.seen: int | None = None  # the gate's count when it was made
        self._lock = Lock()
        self._state: RunState | None = None

    def renew(self, count: int | None, arrays: Mapping[str, int]) -> None:
        """Make it anew if something was written since; inside the gate, so nobody else writes now.

        Without a ``count``, always, and not for later.  ``arrays`` are the session's: a base of the
        table and its address.
        """
        if count is not None and self.seen == count:
            return
        with self._lock:
            if count is not None and self.seen == count:
                return
            machine = native()
            if self._state is None:
                bases = {n: arrays[n] for n in self.table.bases if n != LASTING}
                pool = machine.pool.address if self.table.parallel else 0
                self._state = self.table.state({**bases, LASTING: self.arena.address}, pool)
            reason = machine.run(self._state)
            assert reason == codes.DONE, f"bug in graphc: reason {reason} of steps without checks"
            self.seen = count
