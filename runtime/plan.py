"""A plan: a Program with its sizes bound, as a native launch table.

Binding evaluates every dim once (one generated function), lays the temporaries into an arena
(:mod:`graphc.lowering.memory_plan`), and writes rows, argument blocks and patch lists.  Whether a
row is cut into chunks, and into how many, follows from sizes alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from graphc.codegen.kernel import takes_slots
from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.dtype import as_dtype
from graphc.lowering.memory_plan import MemoryPlan, plan_memory
from graphc.lowering.program import (
    GRAIN,
    Again,
    Block,
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
from runtime.devices.cpu.boot import native
from runtime.devices.cpu.table import Entry, Relative, Table, TableBuilder, Word
from runtime.jumps import JumpRows
from runtime.lasting import LASTING, NOTHING, Lasting, lasting_part
from runtime.memory import NOWHERE

PARALLEL_FROM = 5_000.0  # estimated nanoseconds from which a row is worth waking the pool
AWAKE_FROM = 500.0  # the same in a loop, whose turn before has left the pool awake
CHUNK = 20_000.0  # estimated nanoseconds a chunk should take
MOST_CHUNKS = 256
MOST_SLOTS = 63  # bits of the word that says which are taken
UNKNOWN_TURNS = 100  # of a loop that ends when it has to, to estimate its time
SHORT_RUN = 50_000.0  # nanoseconds of a run that keeps the interpreter lock
ARENA = "arena"


@dataclass(frozen=True)
class Cut:
    """How a block's extent is cut."""

    extent: int
    grain: int
    nanoseconds: float


class Sizes:
    """Every dim of a program, evaluated together."""

    def __init__(self, program: Program) -> None:
        wanted: dict[Dim, None] = {}
        for shape in (*(b.shape for b in program.buffers), *(f.shape for f in program.fetches)):
            wanted |= dict.fromkeys(shape)
        for step in program.steps:
            if isinstance(step, Launch):
                others = step.other.blocks if step.other is not None else ()
                for block in (*step.blocks, *others):
                    wanted |= dict.fromkeys(
                        (*block.strides, *block.sizes, block.extent, block.inner)
                    )
            elif isinstance(step, Turns) and step.trips is not None:
                wanted[step.trips] = None
        self.dims = tuple(d for d in wanted if not isinstance(d, int) and d != GRAIN)
        self.function = dims.compile_dims(self.dims)

    def bind(self, values: Mapping[str, int]) -> dict[Dim, int]:
        return dict(zip(self.dims, self.function(values), strict=True))


def shared_from(in_loop: bool) -> float:
    """Estimated nanoseconds from which a row is shared out."""
    return AWAKE_FROM if in_loop else PARALLEL_FROM


def cut_block(
    block: Block, weight: float, known: Mapping[Dim, int], least: float = PARALLEL_FROM
) -> Cut:
    """Chunks of a launch, from its estimated time; ``least`` is worth sharing out."""
    extent, inner = (_number(d, known) for d in (block.extent, block.inner))
    total = extent * inner * weight
    chunks = min(extent, MOST_CHUNKS, int(total / CHUNK)) if total >= least else 1
    if chunks < 2 and total >= 2 * least:
        chunks = min(extent, 2)
    if chunks < 2:
        return Cut(extent, max(1, extent), total)
    grain = -(-extent // chunks)
    if inner < 64:
        grain = -(-grain // 64) * 64
    return Cut(extent, grain, total)


def _number(dim: Dim, known: Mapping[Dim, int]) -> int:
    return dim if isinstance(dim, int) else known[dim]


@dataclass(eq=False)
class Plan:
    """A bound program: the table, the arena it needs, and the sizes it was bound to."""

    program: Program
    values: dict[str, int]
    table: Table
    memory: MemoryPlan
    fetch_shapes: tuple[tuple[tuple[int, ...], np.dtype], ...]
    shapes: list[tuple[int, ...]]  # per buffer
    nanoseconds: float
    danger: int  # the last row that can fail, -1 if none can
    by_blas: frozenset[int] = frozenset()  # launches taken in their other form
    lasting: Lasting = NOTHING
    lasting_table: Table | None = None  # of the lasting steps; they have no rows in ``table``
    turns: Mapping[int, Relative] = field(default_factory=dict)  # loop: the word with its turn


def bind(
    program: Program,
    sizes: Sizes,
    addresses: Sequence[int],
    values: Mapping[str, int],
    by_blas: frozenset[int] = frozenset(),
    keep: bool = False,
) -> Plan:
    """Bind a program's symbols; ``addresses`` are the loaded kernels'.

    Launches whose number is in ``by_blas`` are taken in their other form.  With ``keep``, what is
    made of variables alone has a table of its own.
    """
    return _Binding(program, sizes.bind(values), addresses, by_blas).run(dict(values), keep)


class _Binding:
    def __init__(
        self,
        program: Program,
        known: dict[Dim, int],
        addresses: Sequence[int],
        by_blas: frozenset[int],
    ) -> None:
        self.program = program
        self.by_blas = by_blas
        self.steps: list[Step] = [
            step.other
            if number in by_blas and isinstance(step, Launch) and step.other is not None
            else step
            for number, step in enumerate(program.steps)
        ]
        self.known = known
        self.addresses = addresses
        self.builder = TableBuilder()
        self.patches: dict[
            int, list[Relative]
        ] = {}  # feed or fetch buffer -> words with its address
        self.empty: set[int] = set()
        self.chunks: dict[int, int] = {}  # per-chunk buffer -> chunks of its launch
        self.shared: set[int] = set()  # launches that are worth the pool
        self.nanoseconds = 0.0
        self.turns = [1]  # of the loops a step stands in
        self.danger = -1
        self.lasting = NOTHING
        self.jumps = JumpRows(
            program, self.builder, self._patch, lambda dim: _number(dim, self.known)
        )

    def run(self, values: dict[str, int], keep: bool) -> Plan:
        program = self.program
        cuts = [self._cuts(number, step) for number, step in enumerate(self.steps)]
        shapes = [self._shape(k, buffer) for k, buffer in enumerate(program.buffers)]
        nbytes = [_nbytes(b, s) for b, s in zip(program.buffers, shapes, strict=True)]
        if keep:
            self.lasting = lasting_part(program, self.steps, nbytes)
        ranges = program.live_ranges()
        ranges = {b: at for b, at in ranges.items() if b not in self.lasting.buffers}
        memory = plan_memory(ranges, {b: nbytes[b] for b in ranges})
        self.words = [self._address(k, b, memory) for k, b in enumerate(program.buffers)]
        for number, size in enumerate(nbytes):
            if size == 0:  # whatever its place
                self.words[number] = NOWHERE.reach(_span(program.buffers[number], shapes[number]))
                self.empty.add(number)
        lasting_table = self._lasting_table(cuts, nbytes) if self.lasting.steps else None
        for number, (step, cut) in enumerate(zip(self.steps, cuts, strict=True)):
            if number == program.commit:
                self.builder.commit()
            if number not in self.lasting.steps:
                self._row(number, step, cut, nbytes)
        self._operands(shapes)
        if self.nanoseconds < SHORT_RUN and not any(isinstance(s, Host) for s in program.steps):
            self.builder.hold_gil()
        known = self.known
        fetches = tuple(
            (tuple(_number(d, known) for d in f.shape), as_dtype(f.dtype).numpy)
            for f in program.fetches
        )
        return Plan(
            program, values, self.builder.build(), memory, fetches, shapes, self.nanoseconds,
            self.danger, self.by_blas, self.lasting, lasting_table, self.jumps.turns,
        )  # fmt: skip

    def _lasting_table(self, cuts: list[list[Cut]], nbytes: list[int]) -> Table:
        own, self.builder = self.builder, TableBuilder()
        for number in sorted(self.lasting.steps):
            self._row(number, self.steps[number], cuts[number], nbytes)
            self.nanoseconds -= sum(cut.nanoseconds for cut in cuts[number])
        table, self.builder = self.builder.build(), own
        return table

    def _cuts(self, number: int, step: object) -> list[Cut]:
        if isinstance(step, Turns):
            trips = UNKNOWN_TURNS if step.trips is None else _number(step.trips, self.known)
            self.turns.append(self.turns[-1] * trips)
        elif isinstance(step, Again):
            self.turns.pop()
        if not isinstance(step, Launch):
            return []
        least = shared_from(len(self.turns) > 1)
        cuts = [cut_block(b, step.weight, self.known, least) for b in step.blocks]
        total = sum(c.nanoseconds for c in cuts)
        self.nanoseconds += self.turns[-1] * total
        if total >= least:
            self.shared.add(number)
        for block, cut in zip(step.blocks, cuts, strict=True):
            for buffer in block.buffers:
                if self.program.buffers[buffer].per_chunk:
                    self.chunks[buffer] = self._slots(step.kernel, cut)
        return cuts

    def _shape(self, number: int, buffer: Buffer) -> tuple[int, ...]:
        shape = tuple(_number(d, self.known) for d in buffer.shape)
        return (self.chunks.get(number, 1), *shape) if buffer.per_chunk else shape

    def _address(self, number: int, buffer: Buffer, memory: MemoryPlan) -> Word:
        match buffer.place:
            case Place.ARENA if number in self.lasting.buffers:
                return Relative(LASTING, self.lasting.memory.offsets[number])
            case Place.ARENA:
                return Relative(ARENA, memory.offsets.get(number, 0))
            case Place.FEED | Place.FETCH | Place.SLICE:
                return 0
            case Place.STEP:
                return self.jumps.step_word(number)
        return Relative(base_name(number), 0)

    def _row(self, number: int, step: object, cuts: list[Cut], nbytes: list[int]) -> None:
        match step:
            case Launch():
                entries = [
                    Entry(self._block(step.kernel, block, cut), cut.extent, cut.grain)
                    for block, cut in zip(step.blocks, cuts, strict=True)
                    if cut.extent > 0
                ]
                if entries:
                    parallel = number in self.shared
                    address = self.addresses[step.kernel]
                    row = self.builder.launch(address, entries, parallel, tag=number)
                    if step.checks:
                        self.danger = row
            case Copy(source, target):
                row = self.builder.copy(
                    self.words[target], self.words[source], nbytes[target], tag=number
                )
                self._patch(target, self.builder.row_word(row, 1))
                self._patch(source, self.builder.row_word(row, 2))
            case Host():
                self.danger = self.builder.host(number, tag=number)
            case Turns() | Again() | Unless() | Goto() | Label():
                end = self.jumps.row(number, step, self.words, nbytes)
                if isinstance(step, Again) and self.danger >= self.jumps.loops[step.loop].begin:
                    assert end is not None
                    self.danger = end  # the next turn may fail as well

    def _slots(self, kernel: int, cut: Cut) -> int:
        """Parts of a launch's workspaces: one for each chunk, or for each that runs at a time."""
        chunks = -(-cut.extent // cut.grain)
        if not takes_slots(self.program.kernels[kernel]):
            return chunks
        return min(chunks, native().pool.threads, MOST_SLOTS)

    def _block(self, kernel: int, block: Block, cut: Cut) -> Relative:
        known = self.known
        words: list[Word] = [self.words[b] for b in block.buffers]
        words += [_number(d, known) for d in block.strides]
        words += [cut.grain if d == GRAIN else _number(d, known) for d in block.sizes]
        if takes_slots(self.program.kernels[kernel]):
            names = self.program.kernels[kernel].sizes
            there_are_not = -1 << self._slots(kernel, cut)
            words[names.index("busy") - len(names)] = there_are_not
        place = self.builder.block(words)
        for k, buffer in enumerate(block.buffers):
            self._patch(buffer, place.word(k))
        return place

    def _patch(self, buffer: int, word: Relative) -> None:
        place = self.program.buffers[buffer].place
        if buffer in self.empty:
            return
        if place is Place.SLICE:
            self.jumps.slice_word(buffer, word)
        elif place in (Place.FEED, Place.FETCH):
            self.patches.setdefault(buffer, []).append(word)

    def _operands(self, shapes: list[tuple[int, ...]]) -> None:
        for feed in self.program.feeds:
            self.builder.feed(
                as_dtype(feed.dtype).numpy, shapes[feed.buffer], self.patches.get(feed.buffer, [])
            )
        for fetch in self.program.fetches:
            shape = tuple(_number(d, self.known) for d in fetch.shape)
            self.builder.fetch(
                as_dtype(fetch.dtype).numpy, shape, self.patches.get(fetch.buffer, [])
            )


def base_name(number: int) -> str:
    """The base of a buffer that is neither fed, fetched nor temporary."""
    return f"buffer {number}"


def _span(buffer: Buffer, shape: tuple[int, ...]) -> int:
    """Bytes from the first element of an empty buffer to the last that a clamped index names."""
    size = as_dtype(buffer.dtype).size
    for dim in shape:
        size *= max(dim, 1)
    return size


def _nbytes(buffer: Buffer, shape: tuple[int, ...]) -> int:
    size = as_dtype(buffer.dtype).size
    for dim in shape:
        size *= dim
    return size
