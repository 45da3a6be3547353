"""The launch table: one run's rows, entries, argument blocks and state in one int64 array.

A run is a native walk over the rows of a table.  Everything a run changes (where it is, the
argument blocks it patches, loop counters, scalar results) lies in the words of its own `RunState`;
a `Table` is the image such states are copied from, so concurrent runs of one plan share nothing
but code.

State: ``HEADER`` words, named below as indices of words, the rows, the clock records, the data.

Row, ``ROW_WORDS`` words: the opcode, then

    opcode      1        2        3      4       5      what the walk does
    END                                                 return DONE
    LAUNCH      kernel   entries  count  chunks  flags  kernel(args, start, stop) over each entry
    COPY        target   source   bytes                 copy memory that does not overlap
    JUMP        row                                     go to the row
    BRANCH      pointer  row                            go to the row unless the byte is true
    LOOP_BEGIN  counter  trips    row                   *counter = 0; to the row if *trips <= 0
    LOOP_NEXT   counter  trips    row                   *counter += 1; to the row if below *trips
    ADVANCE     counter  list     count                 *word = base + *counter * stride
    SWAP        counter  list     count                 *word = odd if *counter is odd else even
    ASSIGN               list     count                 *word = *source * scale
    COMMIT                                              note that variables may change from here on
    HOST        identity                                return HOST_ROW
    BIND        identity                                return NEEDS_DIMS

`pointer`, `counter`, `trips`, `word` and `source` are addresses of words; BRANCH reads the byte its
pointer's *word* points at, so that a swapped or advanced predicate is found.  A list holds triples
of words.  ADVANCE and SWAP compute from the counter instead of stepping, so a loop needs no reset
and a run that broke off no repair.

Entry, ``ENTRY_WORDS`` words: argument block, extent, grain, first chunk.  A kernel is a for-all
over [0, extent): how the range is cut must not change what it computes.  Only a row built as
parallel is cut (chunk c of an entry is [c * grain, c * grain + grain)).  An entry may be patched to
a smaller extent than it was cut for, never to a larger one.

Feed or fetch, consecutive words: descr, rank, number of patches, the dims, the patched words.  It
must be an ndarray (no subclass) of exactly that descr object and those dims, C-contiguous and
aligned (a fetch: writeable too); its data pointer is stored into each patched word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

WORD = 8

# Header of a state.
PC = 0  # row to execute next
ROW = 1  # row that made the walk return
STATUS = 2  # bit mask of the checks that failed in ROW
COMMITTED = 3  # 1 + the last COMMIT row passed, 0 before it
ROWS = 4  # address of the rows
POOL = 5  # address of the thread pool's words; 0 walks alone
CLOCK = 6  # address of the clock records, one per row; 0 stamps nothing
SLICE = 7  # nanoseconds after which the walk returns SLICED
FEED_COUNT = 8
OPERAND_COUNT = 9  # feeds and fetches
OPERANDS = 10  # address of the first feed; the fetches follow the feeds
OPERAND = 11  # which feed or fetch did not fit, counted within its kind
HOLD_GIL = 12  # 1: so short that giving the interpreter lock away would cost more than it brings
ROW_COUNT = 13
ARRAY_TYPE = 14  # address of numpy.ndarray
HEADER = 16

ROW_WORDS = 8
ENTRY_WORDS = 4
TRIPLE_WORDS = 3
CLOCK_WORDS = 4  # first start, last end, total, times run: nanoseconds of a monotonic clock
SCALAR_WORDS = 2  # one scalar result, complex128 at most

# Opcodes.
(
    END,
    LAUNCH,
    COPY,
    JUMP,
    BRANCH,
    LOOP_BEGIN,
    LOOP_NEXT,
    ADVANCE,
    SWAP,
    ASSIGN,
    COMMIT,
    HOST,
    BIND,
) = range(13)

# Flags of a LAUNCH row.
PARALLEL = 1

# Reasons for which a walk or a prepared call returns.
DONE = 0
FAILED = 1  # a check failed: ROW, STATUS
HOST_ROW = 2  # Python must do ROW, then walk on
NEEDS_DIMS = 3  # Python must bind dims for ROW, then walk on
SLICED = 4  # a time slice has passed: let Python look at its signals, walk on
NEEDS_POOL = 5  # a parallel row is next: start the pool's threads, walk on
FEEDS_DIFFER = 6  # feed OPERAND does not fit (-1: their number); nothing has run
FETCHES_DIFFER = 7  # the same of fetch OPERAND

# Words of a PyArrayObject, as the prepared call reads it (`boot.py` checks that they are these).
OBJECT_TYPE = 1
ARRAY_DATA = 2
ARRAY_RANK = 3  # an int32
ARRAY_DIMS = 4
ARRAY_DESCR = 7
ARRAY_FLAGS = 8  # an int32
READABLE = 0x0101  # flags: C-contiguous, aligned
WRITEABLE = 0x0501

SLICE_NANOSECONDS = 50_000_000
MAXIMUM_CHUNKS = (1 << 20) - (1 << 12)  # of a row: the pool counts them in 20 bits

# Which word of a row names the row to go to.
_TARGETS: dict[object, int] = {JUMP: 1, BRANCH: 2, LOOP_BEGIN: 3}
_SELF = "self"
_DATA = "data"
_ROWS = "rows"


class Relative(NamedTuple):
    """An address known once `base` is: the base's address plus `offset` bytes."""

    base: str
    offset: int

    def word(self, index: int) -> Relative:
        """The address of the index-th word from here."""
        return Relative(self.base, self.offset + WORD * index)


Word = int | Relative
Triple = tuple[Relative, Word, Word]


class Entry(NamedTuple):
    """One argument block of a launch and the range it is run over."""

    block: Relative
    extent: int
    grain: int

    @property
    def chunks(self) -> int:
        return -(-self.extent // self.grain)


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of a launch, laid down by `TableBuilder.entries`."""

    place: Relative
    count: int
    chunks: int

    def extent(self, index: int) -> Relative:
        """The word that holds an entry's extent, to be patched."""
        return self.place.word(ENTRY_WORDS * index + 1)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The image of a run's words, in which addresses are offsets from named bases."""

    image: np.ndarray  # int64[words]
    relocations: Mapping[str, np.ndarray]  # base -> indices of the words it is added to
    tags: tuple[object, ...]  # one per row
    parallel: bool  # some row may use the pool
    data: int  # index of the first data word

    @property
    def bases(self) -> frozenset[str]:
        """The bases `state` must be given."""
        return frozenset(self.relocations) - {_SELF}

    def state(self, bases: Mapping[str, int] | None = None, pool: int = 0) -> RunState:
        """A fresh run state: the image at its own address, with every base at its address."""
        raw = np.empty(self.image.size + 8, np.int64)
        skip = -raw.ctypes.data % 64 // WORD
        words = raw[skip : skip + self.image.size]
        words[:] = self.image
        state = RunState(self, words, words.ctypes.data, {})
        state.rebase(_SELF, state.address)
        for base in sorted(self.bases):
            state.rebase(base, (bases or {})[base])
        words[POOL] = pool
        return state


@dataclass(slots=True, eq=False)
class RunState:
    """The words of one run; a run in progress owns its state."""

    table: Table
    words: np.ndarray  # int64, 64-byte aligned
    address: int
    _bases: dict[str, int] = field(repr=False)

    def rebase(self, base: str, address: int) -> None:
        """Move everything relative to `base` (an arena that grew, say) to its new address."""
        places = self.table.relocations.get(base)
        if places is not None:
            self.words[places] += address - self._bases.get(base, 0)
        self._bases[base] = address

    def index(self, place: Relative) -> int:
        """Where in `words` a place lies that the builder returned."""
        start = {_DATA: self.table.data, _ROWS: HEADER, _SELF: 0}[place.base]
        return start + place.offset // WORD

    def value(self, place: Relative, dtype: np.dtype) -> np.ndarray:
        """A one-element view of the words at `place`; ``view[0]`` is the scalar in NumPy's type."""
        start = self.index(place)
        return self.words[start : start + SCALAR_WORDS].view(dtype)[:1]

    def stamp(self, on: bool) -> None:
        """Let every row stamp the clock from the next run on, or no longer."""
        words = self.table.data - CLOCK_WORDS * len(self.table.tags)
        self.words[words : self.table.data] = 0
        self.words[CLOCK] = self.address + WORD * words if on else 0

    def clock(self) -> np.ndarray:
        """int64[rows, CLOCK_WORDS]: first start, last end, total, times run since `stamp`."""
        rows = len(self.table.tags)
        start = self.table.data - CLOCK_WORDS * rows
        return self.words[start : self.table.data].reshape(rows, CLOCK_WORDS).copy()


class TableBuilder:
    """Rows and data, appended in order; `build` makes the image.

    Data is placed first (`block`, `counter`, `scalar`) and named in rows by the `Relative` it got.
    """

    def __init__(self) -> None:
        self._rows: list[list[Word]] = []
        self._tags: list[object] = []
        self._data: list[Word] = []
        self._feeds: list[list[Word]] = []
        self._fetches: list[list[Word]] = []
        self._parallel = False
        self._hold_gil = False

    # Data.

    def block(self, words: Iterable[Word]) -> Relative:
        """Consecutive words: an argument block, constants."""
        place = Relative(_DATA, WORD * len(self._data))
        self._data.extend(words)
        return place

    def counter(self, value: int = 0) -> Relative:
        """One word: a loop counter, trip count or dim slot."""
        return self.block([value])

    def scalar(self) -> Relative:
        """Room for one scalar result, read through `RunState.value`."""
        if len(self._data) % SCALAR_WORDS:
            self._data.append(0)
        return self.block([0] * SCALAR_WORDS)

    def entries(self, entries: Sequence[Entry]) -> Entries:
        """The entries of a launch row to come, for rows before it that patch them."""
        chunks = 0
        words: list[Word] = []
        for entry in entries:
            words += (entry.block, entry.extent, entry.grain, chunks)
            chunks += entry.chunks
        if chunks > MAXIMUM_CHUNKS:
            raise ValueError(f"bug in graphc: {chunks} chunks in a row, {MAXIMUM_CHUNKS} at most")
        return Entries(self.block(words), len(entries), chunks)

    def feed(self, dtype: np.dtype, dims: Sequence[int], patches: Sequence[Relative]) -> None:
        """The next feed of the prepared call; `patches` are the words that get its data pointer."""
        self._feeds.append([id(canonical(dtype)), len(dims), len(patches), *dims, *patches])

    def fetch(self, dtype: np.dtype, dims: Sequence[int], patches: Sequence[Relative]) -> None:
        """The next fetch of the prepared call: a fresh array of the caller's."""
        self._fetches.append([id(canonical(dtype)), len(dims), len(patches), *dims, *patches])

    def hold_gil(self) -> None:
        """Say that a whole run takes some 50 us at most."""
        self._hold_gil = True

    # Rows.  Each returns the row's index.

    def next_row(self) -> int:
        """Index the next row will have, to go back to."""
        return len(self._rows)

    def row_word(self, row: int, index: int) -> Relative:
        """The address of a row's word, to be patched like a word of a block."""
        return Relative(_ROWS, WORD * (ROW_WORDS * row + index))

    def launch(
        self,
        kernel: int,
        entries: Sequence[Entry] | Entries,
        parallel: bool = False,
        tag: object = None,
    ) -> int:
        """Run the kernel over every entry, cut into chunks for the pool if `parallel`."""
        laid = entries if isinstance(entries, Entries) else self.entries(entries)
        cut = parallel and laid.chunks > 1
        self._parallel |= cut
        flags = PARALLEL if cut else 0
        return self._row(tag, LAUNCH, kernel, laid.place, laid.count, laid.chunks, flags)

    def copy(self, target: Word, source: Word, size: int, tag: object = None) -> int:
        """Copy `size` bytes; words 1 and 2 of the row may be patched."""
        return self._row(tag, COPY, target, source, size)

    def jump(self, row: int = -1, tag: object = None) -> int:
        """Go to the row, or to where `land` says."""
        return self._row(tag, JUMP, row)

    def branch(self, pointer: Relative, row: int = -1, tag: object = None) -> int:
        """Go to the row (or to where `land` says) unless the byte at **pointer is true."""
        return self._row(tag, BRANCH, pointer, row)

    def loop_begin(self, counter: Relative, trips: Relative, tag: object = None) -> int:
        """Start a loop at iteration 0; `land` the row behind its `loop_next`."""
        return self._row(tag, LOOP_BEGIN, counter, trips, -1)

    def loop_next(self, counter: Relative, trips: Relative, row: int, tag: object = None) -> int:
        """Count an iteration and go back to the row while some are left."""
        return self._row(tag, LOOP_NEXT, counter, trips, row)

    def advance(self, counter: Relative, slots: Sequence[Triple], tag: object = None) -> int:
        """For each (word, base, stride): *word = base + *counter * stride."""
        return self._row(tag, ADVANCE, counter, self._triples(slots), len(slots))

    def fill(self, row: int, slots: Sequence[Triple]) -> Relative:
        """Give an `advance` or `swap` row its slots, once they are known; where they lie."""
        place = self._triples(slots)
        self._rows[row][2:4] = [place, len(slots)]
        return place

    def swap(self, counter: Relative, slots: Sequence[Triple], tag: object = None) -> int:
        """For each (word, even, odd): *word = odd if *counter is odd else even."""
        return self._row(tag, SWAP, counter, self._triples(slots), len(slots))

    def assign(self, slots: Sequence[Triple], tag: object = None) -> int:
        """For each (word, source, scale): *word = *source * scale."""
        return self._row(tag, ASSIGN, 0, self._triples(slots), len(slots))

    def commit(self, tag: object = None) -> int:
        """Everything that can fail is behind, everything that changes variables ahead."""
        return self._row(tag, COMMIT)

    def host(self, identity: int, tag: object = None) -> int:
        """Return to Python, which does what `identity` names and walks on."""
        return self._row(tag, HOST, identity)

    def bind(self, identity: int, tag: object = None) -> int:
        """Return to Python, which binds the dims `identity` names and walks on."""
        return self._row(tag, BIND, identity)

    def land(self, row: int) -> None:
        """Let a `jump`, `branch` or `loop_begin` go to the next row."""
        opcode = self._rows[row][0]
        assert opcode in _TARGETS, f"row {row} does not jump"
        self._rows[row][_TARGETS[opcode]] = len(self._rows)

    def build(self) -> Table:
        """The image; an END row is added."""
        self._row(None, END)
        self._data += [0] * (-len(self._data) % SCALAR_WORDS)
        operands = self.block(word for record in self._feeds + self._fetches for word in record)
        header: list[Word] = [0] * HEADER
        header[ROWS] = Relative(_ROWS, 0)
        header[SLICE] = SLICE_NANOSECONDS
        header[FEED_COUNT] = len(self._feeds)
        header[OPERAND_COUNT] = len(self._feeds) + len(self._fetches)
        header[OPERANDS] = operands
        header[HOLD_GIL] = int(self._hold_gil)
        header[ROW_COUNT] = len(self._rows)
        header[ARRAY_TYPE] = id(np.ndarray)
        rows = [word for row in self._rows for word in row]
        clock = [0] * (CLOCK_WORDS * len(self._rows))
        data = HEADER + len(rows) + len(clock)
        starts = {_ROWS: WORD * HEADER, _DATA: WORD * data, _SELF: 0}
        image, places = _resolve([*header, *rows, *clock, *self._data], starts)
        return Table(image, places, tuple(self._tags), self._parallel, data)

    def _row(self, tag: object, *words: Word) -> int:
        self._rows.append([*words, *[0] * (ROW_WORDS - len(words))])
        self._tags.append(tag)
        return len(self._rows) - 1

    def _triples(self, slots: Sequence[Triple]) -> Relative:
        return self.block(word for slot in slots for word in slot)


def canonical(dtype: np.dtype) -> np.dtype:
    """The descr object ordinary arrays of this dtype share; a prepared call compares addresses."""
    return np.dtype(dtype.type) if dtype.isbuiltin == 1 else dtype


def _resolve(
    words: list[Word], starts: Mapping[str, int]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Split words into offsets and, per base, the places where the base's address belongs."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    relatives = [(k, word) for k, word in enumerate(words) if word.__class__ is Relative]
    for index, word in relatives:
        base, offset = word.base, word.offset
        if base in starts:
            offset += starts[base]
            base = _SELF
        words[index] = offset
        places[base].append(index)
    image = np.array(words, np.int64)
    return image, {base: np.array(found, np.intp) for base, found in places.items()}
