"""Steps of a run that goes stage by stage, as one launch table each.

A segment ends where a size becomes known: after a host step that decides some, and after a loop
that takes as many turns as it has to.  What such a loop stacks begins with room for some turns;
when that ends the walk returns, the room is doubled, and the walk goes on.

A :class:`Layout` is a segment for certain sizes: its table, with addresses left open, and where its
temporaries lie in one block of memory.  It is kept, so that sizes that come again cost little more
than their launches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from graphc.errors import InternalError
from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.dtype import as_dtype
from graphc.lowering.memory_plan import aligned, plan_memory
from graphc.lowering.program import (
    GRAIN,
    Again,
    Buffer,
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
from runtime.plan import Cut, cut_block, shared_from

BLOCK = "block"  # the base of a segment's own temporaries
Span = tuple[int, int]  # the first of some steps, and one past the last


def can_fail(step: Step) -> bool:
    if isinstance(step, Turns):
        return bool(step.counts)  # there may be no room for what it stacks
    return isinstance(step, Host) or (isinstance(step, Launch) and bool(step.checks))


def holds_objects(buffer: Buffer) -> bool:
    return bool(as_dtype(buffer.dtype).numpy.hasobject)


def spans(program: Program) -> list[Span]:
    """The steps of a program in pieces.  The sizes of each are known when those before have run;
    one ends with the last step that can fail."""
    found: list[Span] = []
    begin, deep, labels, counts = 0, 0, set[int](), False
    danger = max((k for k, step in enumerate(program.steps) if can_fail(step)), default=-1)

    def end(at: int) -> None:
        nonlocal begin
        if at > begin:
            found.append((begin, at))
        begin = at

    for at, step in enumerate(program.steps):
        alone = not deep and not labels and is_alone(program, step)
        if alone:
            end(at)
        match step:
            case Turns():
                deep += 1
                counts |= bool(step.counts)
            case Again():
                deep -= 1
            case Unless(_, label) | Goto(label):
                labels.add(label)
            case Label(label):
                labels.discard(label)
        if not deep and not labels and (alone or counts or begin <= danger <= at):
            end(at + 1)
            counts = False
    end(len(program.steps))
    return found


def is_alone(program: Program, step: Step) -> bool:
    """Whether a step is Python's: it decides sizes, or copies strings."""
    if isinstance(step, Copy):
        return holds_objects(program.buffers[step.source])
    return isinstance(step, Host) and bool(step.binds)


@dataclass(frozen=True)
class Own:
    """Where a temporary lies in the block of its segment."""

    offset: int
    shape: tuple[int, ...]


class Layout:
    """Some steps for certain sizes, in any run of a Program."""

    def __init__(self, loaded: Any, span: Span, values: Mapping[str, int]) -> None:
        self.program: Program = loaded.program
        self.codes = loaded.codes
        self.span, self.values = span, values
        self.steps: dict[int, Step] = {at: self.program.steps[at] for at in range(*span)}
        self.counted = {s.loop: s for s in self.steps.values() if isinstance(s, Turns) and s.counts}
        self.room = {step.counts: FIRST_ROOM for step in self.counted.values()}
        self.builder = TableBuilder()
        self.jumps = JumpRows(self.program, self.builder, self._patch, self._number)
        self.shared: set[int] = set()  # launches that are worth the pool
        self.cuts = self._cuts()
        self.nbytes: dict[int, int] = {}
        self.own: dict[int, Own] = {}
        self.growing: list[int] = []  # whose first size is the number of turns of a loop here
        self.others: list[int] = []  # buffers that lie elsewhere
        self.size = self._place()
        self._lay()
        self.table = self.builder.build()

    def _number(self, dim: Dim) -> int:
        return dims.evaluate(dim, self.values)

    def _cuts(self) -> dict[int, list[Cut]]:
        found: dict[int, list[Cut]] = {}
        deep = 0
        for at, step in self.steps.items():
            deep += isinstance(step, Turns)
            deep -= isinstance(step, Again)
            if isinstance(step, Launch):
                least = shared_from(deep > 0)
                blocks = step.blocks
                wanted = {d for b in blocks for d in (b.extent, b.inner)}
                known = {d: self._number(d) for d in wanted}
                found[at] = [cut_block(b, step.weight, known, least) for b in blocks]
                if sum(cut.nanoseconds for cut in found[at]) >= least:
                    self.shared.add(at)
        return found

    # --- where buffers lie ---------------------------------------------------------------------

    def _touched(self) -> Iterator[int]:
        for step in self.steps.values():
            for buffer in (*self.program.reads(step), *self.program.writes(step)):
                yield buffer
                yield self.program.base(buffer)

    def _place(self) -> int:
        """Sort the buffers; the bytes of the block that holds the temporaries made here."""
        ranges = self.program.live_ranges()
        chunks = self._chunks()
        sizes: dict[int, int] = {}
        inside: dict[int, tuple[int, int]] = {}
        for buffer in dict.fromkeys(self._touched()):
            kind = self.program.buffers[buffer]
            if kind.place is Place.STEP:
                self.nbytes[buffer] = 4
                continue
            grows = first_size(kind) in self.room and kind.place is not Place.SLICE
            values = {**self.values, **self.room} if grows else self.values
            shape = tuple(dims.evaluate(d, values) for d in kind.shape)
            if kind.per_chunk:
                shape = (chunks[buffer], *shape)
            self.nbytes[buffer] = prod(shape) * as_dtype(kind.dtype).size
            if kind.place is Place.SLICE:
                continue
            first, last = ranges.get(buffer, (0, 0))
            made_here = kind.place is Place.ARENA and self.span[0] <= first
            if grows:
                self.growing.append(buffer)
            elif made_here and not holds_objects(kind):
                self.own[buffer] = Own(0, shape)
                sizes[buffer] = self.nbytes[buffer]
                if last < self.span[1]:
                    inside[buffer] = (first, last)
            else:
                self.others.append(buffer)
        return self._offsets(sizes, inside)

    def _offsets(self, sizes: Mapping[int, int], inside: Mapping[int, tuple[int, int]]) -> int:
        plan = plan_memory(inside, {b: sizes[b] for b in inside})
        end = plan.peak
        for buffer, size in sizes.items():
            if buffer in inside:
                offset = plan.offsets[buffer]
            else:
                offset, end = end, end + aligned(size)
            self.own[buffer] = Own(offset, self.own[buffer].shape)
        return end

    def _chunks(self) -> dict[int, int]:
        """Parts of the workspaces that have one for each chunk."""
        found: dict[int, int] = {}
        for at, cuts in self.cuts.items():
            for block, cut in zip(self.steps[at].blocks, cuts, strict=True):  # type: ignore[union-attr]
                chunks = max(1, -(-cut.extent // cut.grain))
                found |= dict.fromkeys(block.buffers, chunks)
        return found

    # --- the table -----------------------------------------------------------------------------

    def _lay(self) -> None:
        words = [self._word(buffer) for buffer in range(len(self.program.buffers))]
        nbytes = [self.nbytes.get(buffer, 0) for buffer in range(len(words))]
        for at, step in self.steps.items():
            match step:
                case Launch():
                    self._launch(at, step, words)
                case Copy(source, target):
                    row = self.builder.copy(words[target], words[source], nbytes[target], tag=at)
                    self._patch(target, self.builder.row_word(row, 1))
                    self._patch(source, self.builder.row_word(row, 2))
                case Host():
                    self.builder.host(at, tag=at)
                case _:
                    self.jumps.row(at, step, words, nbytes)

    def _word(self, buffer: int) -> Word:
        if buffer not in self.nbytes:
            return 0
        place = self.program.buffers[buffer].place
        if place is Place.STEP:
            return self.jumps.step_word(buffer)
        if place is Place.SLICE:
            return 0
        own = self.own.get(buffer)
        return Relative(base_of(buffer), 0) if own is None else Relative(BLOCK, own.offset)

    def _launch(self, at: int, step: Launch, words: Sequence[Word]) -> None:
        entries = []
        for block, cut in zip(step.blocks, self.cuts[at], strict=True):
            if not cut.extent:
                continue
            held: list[Word] = [words[b] for b in block.buffers]
            held += [self._number(d) for d in block.strides]
            held += [cut.grain if d == GRAIN else self._number(d) for d in block.sizes]
            place = self.builder.block(held)
            for k, buffer in enumerate(block.buffers):
                self._patch(buffer, place.word(k))
            entries.append(Entry(place, cut.extent, cut.grain))
        if entries:
            address = self.codes[step.kernel].address
            self.builder.launch(address, entries, at in self.shared, tag=at)

    def _patch(self, buffer: int, word: Relative) -> None:
        if self.program.buffers[buffer].place is Place.SLICE:
            self.jumps.slice_word(buffer, word)


def base_of(buffer: int) -> str:
    return f"buffer {buffer}"


def first_size(kind: Buffer) -> str:
    """The symbol that is a buffer's first size, if it is one."""
    atom = dims.single_atom(kind.shape[0]) if kind.shape else None
    return atom.name if isinstance(atom, dims.Symbol) else ""


class Segment:
    """The steps of a layout, ready to run; ``run`` is the run they are part of."""

    def __init__(self, run: Any, layout: Layout) -> None:
        self.run, self.layout, self.program = run, layout, layout.program
        self.room = dict(layout.room)
        self.jumps = layout.jumps
        bases = {BLOCK: run.take_block(layout)}
        for buffer in layout.growing:
            kind = self.program.buffers[buffer]
            rows = self.room[first_size(kind)]
            shape = (rows, *(run.number(d) for d in kind.shape[1:]))
            run.memory[buffer] = run.new_array(kind, shape)
        for buffer in (*layout.others, *layout.growing):
            bases[base_of(buffer)] = run.address(buffer)
        table = layout.table
        pool = native().pool.address if table.parallel else 0
        self.state: RunState = table.state({b: bases[b] for b in table.bases}, pool)

    def __call__(self) -> None:
        machine, state = native(), self.state
        self.run.segment = self
        state.words[codes.PC] = state.words[codes.COMMITTED] = 0
        reason = machine.walk(state.address)
        while (reason := machine.go_on(state, reason)) != codes.DONE:
            at: Any = state.table.tags[int(state.words[codes.ROW])]
            self._attend(at, reason)
            reason = machine.walk(state.address)
        for loop, begin in self.layout.counted.items():
            count = self._word(self.jumps.loops[loop].counter)
            self.run.values[begin.counts] = count
            for buffer in self._growing(begin.counts):
                self.run.memory[buffer] = self.run.memory[buffer][:count]
        if self.layout.counted:
            self.run.check_sizes()

    def _attend(self, at: int, reason: int) -> None:
        """Do what the walk has returned for, at a step."""
        step = self.program.steps[at]
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

    def step_of(self, buffer: int) -> int:
        """The number of the turn that a buffer holds."""
        steps = self.layout.steps.values()
        return self.turn(next(s.loop for s in steps if isinstance(s, Turns) and s.step == buffer))

    def _word(self, place: Relative) -> int:
        return int(self.state.words[self.state.index(place)])

    def _growing(self, counts: str) -> list[int]:
        kinds = self.program.buffers
        return [b for b in self.layout.growing if first_size(kinds[b]) == counts]

    def _make_room(self, number: int) -> None:
        """Double the room of a loop that has filled it; a loop at its limit ends."""
        loop, step = self.jumps.loops[number], self.layout.counted[number]
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
            for word in loop.slots.get(buffer, ()):
                self.state.words[self.state.index(word)] = new.ctypes.data
        self.state.words[self.state.index(loop.trips)] = min(room, limit)
        self.state.words[codes.PC] = loop.begin + 1
