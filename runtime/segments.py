"""Loops and branches of a run that goes stage by stage: a launch table for the steps of each.

Their sizes are known but for one: how many turns a loop takes that ends when it has to.  What such
a loop stacks begins with room for some turns; when that ends the walk returns, the room is doubled,
and the walk goes on.  When the loop has ended its number of turns is a size like others.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from graphc.errors import InternalError
from graphc.ir.dims import Dim
from graphc.ir.dtype import as_dtype
from graphc.lowering.program import (
    GRAIN,
    Again,
    Copy,
    Goto,
    Host,
    Label,
    Launch,
    Place,
    Program,
    Step,
    Turns,
    Unless,
)
from runtime.blame import name_turns, raise_failure
from runtime.devices.cpu import table as codes
from runtime.devices.cpu.boot import native
from runtime.devices.cpu.table import Entry, Relative, RunState, TableBuilder, Word
from runtime.jumps import ENDLESS, FIRST_ROOM, JumpRows
from runtime.plan import PARALLEL_FROM, cut_block

Span = tuple[int, int]  # the first of some steps, and one past the last


def spans(program: Program) -> list[Span]:
    """The steps of a program, taken together where they jump to each other."""
    found: list[Span] = []
    begin, deep, labels = 0, 0, set[int]()
    for at, step in enumerate(program.steps):
        match step:
            case Turns():
                deep += 1
            case Again():
                deep -= 1
            case Unless(_, label) | Goto(label):
                labels.add(label)
            case Label(label):
                labels.discard(label)
        if not deep and not labels:
            found.append((begin, at + 1))
            begin = at + 1
    return found


class Segment:
    """The steps of some loops or branches, ready to run; ``run`` is the run they are part of."""

    def __init__(self, run: Any, span: Span) -> None:
        self.run, self.program = run, run.program
        self.steps: dict[int, Step] = {at: self.program.steps[at] for at in range(*span)}
        self.builder = TableBuilder()
        self.counted = {
            step.loop: step
            for step in self.steps.values()
            if isinstance(step, Turns) and step.counts
        }
        self.room = {step.counts: FIRST_ROOM for step in self.counted.values()}
        self.jumps = JumpRows(self.program, self.builder, self._patch, run.number)
        self.known = self._known()
        self._lay()
        image = self.builder.build()
        self.state: RunState = image.state({}, native().pool.address if image.parallel else 0)

    # --- the table -----------------------------------------------------------------------------

    def _known(self) -> dict[Dim, int]:
        launches = (s for s in self.steps.values() if isinstance(s, Launch))
        wanted = {
            d
            for step in launches
            for b in step.blocks
            for d in (*b.strides, *b.sizes, b.extent, b.inner)
        }
        return {d: self.run.number(d) for d in wanted if d != GRAIN}

    def _buffers(self) -> list[int]:
        used: dict[int, None] = {}
        for step in self.steps.values():
            for buffer in (*self.program.reads(step), *self.program.writes(step)):
                used[buffer] = used[self.program.base(buffer)] = None
        return list(used)

    def _lay(self) -> None:
        cuts = {
            at: [cut_block(b, step.weight, self.known) for b in step.blocks]
            for at, step in self.steps.items()
            if isinstance(step, Launch)
        }
        for at, found in cuts.items():
            step = self.steps[at]
            assert isinstance(step, Launch)
            for block, cut in zip(step.blocks, found, strict=True):
                for buffer in block.buffers:
                    if self.program.buffers[buffer].per_chunk:
                        self.run.array(buffer, max(1, -(-cut.extent // cut.grain)))
        words: list[Word] = [0] * len(self.program.buffers)
        nbytes = [0] * len(self.program.buffers)
        for buffer in self._buffers():
            words[buffer], nbytes[buffer] = self._place(buffer)
        self.words = words
        for at, step in self.steps.items():
            match step:
                case Launch():
                    self._launch(at, step, cuts[at])
                case Copy(source, target):
                    row = self.builder.copy(words[target], words[source], nbytes[target], tag=at)
                    self._patch(target, self.builder.row_word(row, 1))
                    self._patch(source, self.builder.row_word(row, 2))
                case Host():
                    self.builder.host(at, tag=at)
                case _:
                    self.jumps.row(at, step, words, nbytes)

    def _place(self, buffer: int) -> tuple[Word, int]:
        """Where a buffer lies, and its bytes."""
        kind = self.program.buffers[buffer]
        if kind.place is Place.STEP:
            return self.jumps.step_word(buffer), 4
        if kind.place is Place.SLICE:
            shape = [self.run.number(d) for d in kind.shape]
            return 0, prod(shape) * as_dtype(kind.dtype).size
        array = self.run.array(buffer, room=self.room)
        return array.ctypes.data, array.nbytes

    def _launch(self, at: int, step: Launch, cuts: Sequence[Any]) -> None:
        entries, total = [], 0.0
        for block, cut in zip(step.blocks, cuts, strict=True):
            if not cut.extent:
                continue
            total += cut.nanoseconds
            words: list[Word] = [self.words[b] for b in block.buffers]
            words += [self.known[d] for d in block.strides]
            words += [cut.grain if d == GRAIN else self.known[d] for d in block.sizes]
            place = self.builder.block(words)
            for k, buffer in enumerate(block.buffers):
                self._patch(buffer, place.word(k))
            entries.append(Entry(place, cut.extent, cut.grain))
        if entries:
            address = self.run.loaded.codes[step.kernel].address
            self.builder.launch(address, entries, total >= PARALLEL_FROM, tag=at)

    def _patch(self, buffer: int, word: Relative) -> None:
        if self.program.buffers[buffer].place is Place.SLICE:
            self.jumps.slice_word(buffer, word)

    # --- running -------------------------------------------------------------------------------

    def __call__(self) -> None:
        machine, state = native(), self.state
        self.run.segment = self
        state.words[codes.PC] = state.words[codes.COMMITTED] = 0
        reason = machine.walk(state.address)
        while (reason := machine.go_on(state, reason)) != codes.DONE:
            at: Any = state.table.tags[int(state.words[codes.ROW])]
            self._attend(at, reason)
            reason = machine.walk(state.address)
        for loop, begin in self.counted.items():
            count = self._word(self.jumps.loops[loop].counter)
            self.run.values[begin.counts] = count
            for buffer in self._growing(begin.counts):
                self.run.memory[buffer] = self.run.memory[buffer][:count]
        if self.counted:
            self.run.check_sizes()

    def _attend(self, at: int, reason: int) -> None:
        """Do what the walk has returned for, at a step."""
        step = self.steps[at]
        around = [(self.turn(loop), name) for loop, name in self.program.loops_around(at)]
        if reason == codes.FAILED and isinstance(step, Launch):
            status = int(self.state.words[codes.STATUS])
            turns = [f"turn {turn} of '{name}'" for turn, name in around]
            raise_failure(self.program, step, status, self.run, self.run.values, turns)
        if reason == codes.HOST_ROW:
            try:
                self.run.host(step, [turn for turn, _ in around])
            except Exception as error:
                name_turns(error, around)
                raise
        elif reason == codes.NEEDS_DIMS and isinstance(step, Again):
            self._make_room(step.loop)
        else:
            raise InternalError(f"bug in graphc: a run stopped for reason {reason}")

    def turn(self, loop: int) -> int:
        """The number of the turn a loop is in."""
        return self._word(self.jumps.turns[loop])

    def _word(self, place: Relative) -> int:
        return int(self.state.words[self.state.index(place)])

    def _growing(self, counts: str) -> list[int]:
        return [b for b in self._bases() if self.run.first_size(b) == counts]

    def _bases(self) -> list[int]:
        """The buffers that slices stand in."""
        return list(dict.fromkeys(b for loop in self.jumps.loops.values() for b in loop.slots))

    def _make_room(self, number: int) -> None:
        """Double the room of a loop that has filled it; a loop at its limit ends."""
        loop, step = self.jumps.loops[number], self.counted[number]
        limit = ENDLESS if step.trips is None else self.run.number(step.trips)
        turns = self._word(loop.counter)
        if turns >= limit:
            return
        room = self.room[step.counts] = 2 * self.room[step.counts]
        for buffer in self._growing(step.counts):
            old = self.run.memory[buffer]
            new = self.run.new_array(self.program.buffers[buffer], (room, *old.shape[1:]))
            new[:turns] = old[:turns]
            self.run.memory[buffer] = new
            for word in loop.slots[buffer]:
                self.state.words[self.state.index(word)] = new.ctypes.data
        self.state.words[self.state.index(loop.trips)] = min(room, limit)
        self.state.words[codes.PC] = loop.begin + 1
