"""A run that the native call did not finish by itself: host rows, failures, interrupts.

A run is all or nothing: whatever ends it early, every variable is as it was before, or the run has
finished.  Steps before the commit change no variable.  Of those behind it, whatever is written
before a step that can still fail was copied first (``Program.backups``).  So up to the last step
that can fail (``Plan.danger``) a run is undone from the copies, and behind it carried to its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphc.errors import InternalError
from graphc.ir import dims
from graphc.ir.dtype import as_dtype
from graphc.lowering.program import Host, Place, Turns
from runtime.blame import name_failure, name_turns, raise_failure
from runtime.devices.cpu import table as codes
from runtime.devices.cpu.boot import native
from runtime.interrupts import deferred_interrupt
from runtime.memory import Arena

Saved = Sequence[tuple[np.ndarray, np.ndarray]]  # an array, what it held


class Memory:
    """The buffers of one run as arrays, for host steps and for finding what failed."""

    def __init__(
        self,
        bound: Any,
        arena: Arena | None,
        values: Sequence[Any],
        results: Sequence[np.ndarray],
        state: codes.RunState,
    ) -> None:
        self.plan = bound.plan
        self.state = state
        self.lasting = bound.loaded.arrays
        self.arena = arena
        self.values = values
        self.results = results
        self.objects: dict[int, np.ndarray] = {}  # temporaries that hold strings

    def view(self, number: int, shape: Sequence[int] | None = None) -> np.ndarray:
        buffer = self.plan.program.buffers[number]
        shape = tuple(self.plan.shapes[number]) if shape is None else tuple(shape)
        dtype = as_dtype(buffer.dtype).numpy
        match buffer.place:
            case Place.FEED:
                return np.asarray(self.values[int(buffer.key)]).reshape(shape)
            case Place.FETCH:
                return self.results[int(buffer.key)].reshape(shape)
            case Place.ARENA if dtype.hasobject:
                if number not in self.objects:
                    self.objects[number] = np.empty(self.plan.shapes[number], dtype)
                return self.objects[number].reshape(shape)
            case Place.ARENA:
                size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
                if size == 0:
                    return np.empty(shape, dtype)
                assert self.arena is not None, "a plan with temporaries is run in an arena"
                start = self.plan.memory.offsets[number]
                return self.arena.memory[start : start + size].view(dtype).reshape(shape)
            case Place.SLICE:
                base, loop = buffer.key
                return view_of_turn(self.view(base), self.turn(loop), shape)
            case Place.STEP:
                loop = next(
                    s.loop
                    for s in self.plan.program.steps
                    if isinstance(s, Turns) and s.step == number
                )
                return np.asarray(self.turn(loop), dtype)
        return self.lasting[number].reshape(shape)

    def turn(self, loop: int) -> int:
        """The number of the turn a loop is in."""
        return int(self.state.words[self.state.index(self.plan.turns[loop])])

    def turns_around(self, at: int) -> list[tuple[int, str]]:
        """The turns a step is run in, of the loops around it, the innermost first."""
        loops = self.plan.program.loops_around(at)
        return [(self.turn(loop), name) for loop, name in loops]

    def run_host(self, step: Host) -> None:
        values = self.plan.values
        operands = [
            self.view(b, [dims.evaluate(d, values) for d in shape]).copy()
            for b, shape in zip(step.operands, step.shapes, strict=True)
        ]
        results = host_results(step, operands, values)
        for buffer, result in zip(step.results, results, strict=True):
            there = self.view(buffer)
            # NumPy would drop the zero bytes at the end of a lone string
            there[...] = np.asarray(result, object) if there.dtype.hasobject else result


def view_of_turn(array: np.ndarray, turn: int, shape: Sequence[int]) -> np.ndarray:
    """The slice of a turn, as a view: also where it is one element."""
    return array[turn : turn + 1].reshape(tuple(shape))


def host_results(
    step: Host, operands: list[np.ndarray], sizes: Mapping[str, int]
) -> list[np.ndarray]:
    """What the op's Python function gives, one array per output."""
    op = step.op.substitute(dict(sizes))
    try:
        results = (op.host or op.reference)(*operands)
    except Exception as error:
        name_failure(error, op, step.node, step.origin.sites[0] if step.origin.sites else None)
        raise
    return list(results) if isinstance(results, list | tuple) else [results]


def see_through(
    bound: Any,
    state: codes.RunState,
    reason: int,
    arena: Arena | None,
    values: Sequence[Any],
    results: Sequence[np.ndarray],
) -> bool:
    """Take a run to its end after its native call returned ``reason``.

    False if the values do not fit the plan, and nothing has run.
    """
    if reason == codes.FEEDS_DIFFER:
        return False
    machine, plan = native(), bound.plan
    memory = Memory(bound, arena, values, results, state)
    while True:
        reason = machine.go_on(state, reason)
        if reason == codes.DONE:
            return True
        if reason not in (codes.HOST_ROW, codes.FAILED):
            raise InternalError(f"bug in graphc: a run stopped for reason {reason}")
        at: Any = state.table.tags[int(state.words[codes.ROW])]
        step = plan.program.steps[at]
        if reason == codes.FAILED:
            status = int(state.words[codes.STATUS])
            turns = [f"turn {turn} of '{name}'" for turn, name in memory.turns_around(at)]
            raise_failure(plan.program, step, status, memory, plan.values, turns)
        try:
            memory.run_host(step)
        except Exception as error:
            name_turns(error, memory.turns_around(at))
            raise
        reason = machine.walk(state.address)


def settle(state: codes.RunState, danger: int, saved: Saved) -> bool:
    """Make a run that an exception ended all or nothing; True if it is all.

    ``danger`` is the last row that can fail.
    """
    with deferred_interrupt():
        row, pc, committed = (int(state.words[k]) for k in (codes.ROW, codes.PC, codes.COMMITTED))
        if state.words[codes.HEADER + codes.ROW_WORDS * row] == codes.END:
            return True
        if not committed:
            return False
        if pc > danger + 1 or row > danger:
            machine = native()
            reason = machine.go_on(state, machine.walk(state.address))
            assert reason == codes.DONE, f"bug in graphc: reason {reason} behind the last check"
            return True
        put_back(saved)
        return False


def put_back(saved: Saved) -> None:
    for array, held in saved:
        array[...] = held
