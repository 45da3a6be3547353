"""Branches and loops of a Program as rows of a launch table.

A slice's address changes with the turn: every word that holds it (in argument blocks, in the rows
of copies) is computed anew at the start of a turn, as base plus turn times stride.  The number of
the turn is the loop's counter, or, where it falls, a word computed of that first.

A loop whose turns are counted (:attr:`~graphc.lowering.program.Turns.counts`) runs for as many
turns as there is room for, then returns to Python, which makes more and goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from graphc.ir.dims import Dim
from graphc.lowering.program import Again, Goto, Jumps, Label, Place, Program, Turns, Unless
from runtime.devices.cpu.table import Relative, TableBuilder, Word

ENDLESS = 1 << 62  # turns of a loop without a limit
FIRST_ROOM = 64  # turns there is room for at first, of a loop that counts them


@dataclass
class Loop:
    """A loop whose rows are being laid."""

    counter: Relative
    trips: Relative
    begin: int  # its first row
    advance: int | None  # the row that moves slices on, if there are some
    counts: bool  # whether the number of turns is wanted, and room may end
    slots: dict[int, list[Relative]] = field(default_factory=dict)  # buffer: words with its address
    words: list[tuple[int, Relative]] = field(default_factory=list)  # slice, where its address is


class JumpRows:
    """Lays the rows.  ``words`` and ``nbytes`` are of the program's buffers; ``patch`` is told of
    every word that holds a buffer's address."""

    def __init__(
        self,
        program: Program,
        builder: TableBuilder,
        patch: Callable[[int, Relative], None],
        number: Callable[[Dim], int],
    ) -> None:
        self.program, self.builder, self.patch, self.number = program, builder, patch, number
        self.loops: dict[int, Loop] = {}
        self.waiting: dict[int, list[int]] = {}  # label: rows that lead there
        self.steps: dict[int, Relative] = {}  # buffer of a turn's number: its word
        self.sliced = {b.key[1] for b in program.buffers if b.place is Place.SLICE}
        self.turns: dict[int, Relative] = {}  # loop: the word with the number of its turn

    def step_word(self, buffer: int) -> Relative:
        """The word that holds the number of a turn."""
        if buffer not in self.steps:
            self.steps[buffer] = self.builder.block([0])
        return self.steps[buffer]

    def slice_word(self, buffer: int, word: Relative) -> None:
        """Note where the address of a slice is held."""
        _, loop = self.program.buffers[buffer].key
        self.loops[loop].words.append((buffer, word))

    def row(self, at: int, step: Jumps, words: list[Word], nbytes: list[int]) -> int | None:
        """The rows of one step; the row that ends a loop."""
        match step:
            case Turns():
                self._begin(at, step)
            case Again(loop):
                return self._again(at, self.loops[loop], words, nbytes)
            case Unless(pred, label):
                place = self.builder.block([words[pred]])
                self.patch(pred, place)
                self._wait(label, self.builder.branch(place, tag=at))
            case Goto(label):
                self._wait(label, self.builder.jump(tag=at))
            case Label(label):
                for row in self.waiting.pop(label, ()):
                    self.builder.land(row)
        return None

    def _wait(self, label: int, row: int) -> None:
        self.waiting.setdefault(label, []).append(row)

    def _begin(self, at: int, step: Turns) -> None:
        trips = ENDLESS if step.trips is None else self.number(step.trips)
        if step.counts:
            trips = min(trips, FIRST_ROOM)
        turn = self.turns[step.loop] = self.step_word(step.step)
        counter = self.builder.block([0]) if step.reverse else turn
        limit = self.builder.block([trips])
        begin = self.builder.loop_begin(counter, limit, tag=at)
        if step.reverse:
            self.builder.advance(counter, [(turn, trips - 1, -1)], tag=at)
        advance = self.builder.advance(turn, [], tag=at) if step.loop in self.sliced else None
        self.loops[step.loop] = Loop(counter, limit, begin, advance, bool(step.counts))

    def _again(self, at: int, loop: Loop, words: list[Word], nbytes: list[int]) -> int:
        bases = [self.program.buffers[buffer].key[0] for buffer, _ in loop.words]
        slots = [
            (word, words[base], nbytes[buffer])
            for base, (buffer, word) in zip(bases, loop.words, strict=True)
        ]
        if loop.advance is not None:
            place = self.builder.fill(loop.advance, slots)
            for k, base in enumerate(bases):
                self.patch(base, place.word(3 * k + 1))
                loop.slots.setdefault(base, []).append(place.word(3 * k + 1))
        row = self.builder.loop_next(loop.counter, loop.trips, loop.begin + 1, tag=at)
        self.builder.land(loop.begin)
        if loop.counts:
            self.builder.bind(at, tag=at)
        return row
