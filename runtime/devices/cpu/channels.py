"""Windows that slide along a line, channel by channel, on the CPU: written as LLVM IR functions.

A tile is some places side by side and one vector of channels.  Its sums stay in registers over the
whole window; of a line, each column that any of its places sees is loaded once.  What is outside
the picture is read from a vector of zeros, so nothing branches.  The last tile of a line stands
further back where places run out, and does some again.

The columns of a window, their distance and the stride are part of a function's code; there is one
function per such window, whatever the sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from llvmlite import ir

from graphc.codegen.channels import (
    CHANNEL_WORDS,
    MULTIPLIERS,
    SPELT_OUT,
    WHERE,
    channel_word,
)
from runtime.devices.cpu import refs
from runtime.devices.cpu.refs import I32, I64
from runtime.devices.cpu.vector_code import POINTER, Code, most_places
from runtime.devices.cpu.words import FLAGS, Word

TAPS = 8  # of a line of the window, taken together
SUMMED_TAPS = 5  # whose sums over places are taken together


class Picture:
    """Vectors of a picture's channels, each channel as often as there are outputs of it."""

    def __init__(self, code: Code, multiplier: int) -> None:
        self.code = code
        self.multiplier = multiplier
        self.lanes = max(1, code.lanes // multiplier)

    def offset(self, block: ir.Value) -> ir.Value:
        """Bytes to the first channel of a vector of outputs."""
        code = self.code
        first = code.mul(block, code.lanes)
        return code.mul(code.div(first, self.multiplier), code.size)

    def mask(self, left: ir.Value | None) -> ir.Value | None:
        """Channels, where ``left`` outputs are left."""
        code = self.code
        if left is None:
            return None
        return code.below(
            code.div(code.add(left, self.multiplier - 1), self.multiplier), self.lanes
        )

    def load(self, address: ir.Value, mask: ir.Value | None) -> ir.Value:
        code = self.code
        read = code.load(address, mask, self.lanes)
        if self.multiplier == 1:
            return read
        order = [min(lane // self.multiplier, self.lanes - 1) for lane in range(code.lanes)]
        shuffle = ir.Constant(ir.VectorType(I32, code.lanes), order)
        return code.b.shuffle_vector(read, ir.Constant(read.type, ir.Undefined), shuffle)


class Window:
    """The window of one call: which lines it sees, and what at the columns of a line."""

    def __init__(self, code: Code, multiplier: int, along: tuple[int, int, int]) -> None:
        """``along``: stride, step and number of taps along a line."""
        self.code = code
        self.picture = Picture(code, multiplier)
        self.stride, self.step, self.taps = along
        g = code.given
        self.column = code.mul(code.div(g["channels"], multiplier), code.size)
        self.limit = code.mul(g["in2"], self.column)
        self.seen: ir.Value | None = None  # the mask of channels
        self.outside = 0.0  # what is there

    def offset(self, place: ir.Value) -> ir.Value:
        """Bytes from the first column of a line to the one a place begins at."""
        code = self.code
        return code.mul(code.add(code.given["j"], code.mul(place, self.stride)), self.column)

    def lines(self, body: Callable[[ir.Value, ir.Value, ir.Value, ir.Value], None]) -> None:
        """``body(u, v, line, limit)`` for every line of the window: its address, and how many
        bytes of it there are, none where it is outside."""
        code, g = self.code, self.code.given

        def plane(u: ir.Value) -> None:
            a = code.add(g["z"], code.mul(u, g["step0"]))
            above = code.outside(a, g["in0"])

            def line(v: ir.Value) -> None:
                b = code.add(g["i"], code.mul(v, g["step1"]))
                outside = code.b.or_(above, code.outside(b, g["in1"]))
                offset = code.add(code.mul(a, g["x_plane"]), code.mul(b, g["x_line"]))
                limit = code.b.select(outside, I64(0), self.limit)
                body(u, v, code.at(g["X"], offset), limit)

            code.times(g["taps1"], line)

        code.times(g["taps0"], plane)

    def columns(
        self, line: ir.Value, limit: ir.Value, offset: ir.Value, wanted: list[int]
    ) -> dict[int, ir.Value]:
        """What is at each of the ``wanted`` columns, counted from the one at ``offset``."""
        code, found, at = self.code, {}, 0
        beyond = code.filler(self.outside)
        for column in sorted(set(wanted)):
            offset = code.add(offset, code.mul(self.column, column - at))
            at = column
            inside = code.b.icmp_unsigned("<", offset, limit)
            address = code.b.select(inside, code.at(line, offset), beyond)
            found[column] = self.picture.load(address, self.seen)
        return found


def in_groups(code: Code, taps: int, most: int, some: Callable[[int, ir.Value], None]) -> None:
    """All taps of a line, at most so many together: ``some(taps, first)``."""
    groups, left = divmod(taps, most)
    if groups > 1:
        code.times(I64(groups), lambda k: some(most, code.mul(k, most)))
    elif groups:
        some(most, I64(0))
    if left:
        some(left, I64(groups * most))


def tiles(code: Code, tile: Callable[[int, ir.Value], None]) -> None:
    """Cover all places: ``tile(places, first)``."""
    count, most = code.given["places"], most_places()

    def covered(size: int) -> None:
        last = code.sub(count, I64(size))
        tiles = code.div(code.add(count, size - 1), size)
        code.times(tiles, lambda k: tile(size, code.least(code.mul(k, size), last)))

    def at_least(size: int) -> Any:
        return code.b.if_else(code.b.icmp_signed(">=", count, I64(size)))

    with at_least(most) as (many, few):
        with many:
            covered(most)
        with few, at_least(most // 2) as (some, single):
            with some:
                covered(most // 2)
            with single:
                covered(1)


def blocks(code: Code, body: Callable[[ir.Value, ir.Value | None], None]) -> None:
    """``body(block, left)`` for every vector of outputs; ``left``: how many the last one has."""
    channels = code.given["channels"]
    whole = code.div(channels, code.lanes)
    code.times(whole, lambda block: body(block, None))
    left = code.sub(channels, code.mul(whole, code.lanes))
    with code.when(code.b.icmp_signed(">", left, I64(0))):
        body(whole, left)


# --- sums over the window -------------------------------------------------------------------------

_SLIDE = ["X", "F", "Y", "x_plane", "x_line", "f_row", "y_row", *WHERE, "tap", "t0", "t1", "t2",
          "place", "every", "places", "channels", "row", "rows", "down"]  # fmt: skip


def _slide_function(
    module: ir.Module, dtype: str, multiplier: int, along: tuple[int, int, int]
) -> ir.Function:
    """Steps of ``x`` and ``f`` are in bytes."""
    name = "_".join(map(str, ("slide", dtype, multiplier, *along)))
    if name in module.globals:
        return module.globals[name]
    code = Code(module, name, dtype, _SLIDE)
    slide = _Slide(Window(code, multiplier, along))
    tiles(code, slide.tile)
    return code.finish()


class _Slide:
    """Sums of products over the window, place by place."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.code = window.code
        self.f_step = self.code.mul(self.code.given["t2"], self.code.given["f_row"])

    def tile(self, places: int, first: ir.Value) -> None:
        """Line under line, so that what the next one sees again is near."""
        code, given = self.code, dict(self.code.given)

        def line(r: ir.Value) -> None:
            code.given["i"] = code.add(given["i"], code.mul(r, given["down"]))
            row = code.mul(code.add(given["row"], r), given["y_row"])
            code.given["Y"] = code.at(given["Y"], row)
            blocks(code, lambda block, left: self.sums(places, first, block, left))

        code.times(given["rows"], line)
        code.given = given

    def sums(self, places: int, first: ir.Value, block: ir.Value, left: ir.Value | None) -> None:
        """One tile's, one vector of channels."""
        code, g, window = self.code, self.code.given, self.window
        mask = None if left is None else code.below(left, code.lanes)
        window.seen = window.picture.mask(left)
        totals = [code.variable(code.full(0.0)) for _ in range(places)]
        begin, shift = window.offset(first), window.picture.offset(block)
        out = code.mul(block, code.lanes * code.size)
        f = code.at(g["F"], code.mul(g["tap"], g["f_row"]), out)

        def line(u: ir.Value, v: ir.Value, start: ir.Value, limit: ir.Value) -> None:
            row = code.add(code.mul(u, g["t0"]), code.mul(v, g["t1"]))
            factors = code.at(f, code.mul(row, g["f_row"]))
            start = code.at(start, shift)

            def some(taps: int, w: ir.Value) -> None:
                offset = code.add(begin, code.mul(w, window.step, window.column))
                wanted = {
                    (p, k): p * window.stride + k * window.step
                    for k in range(taps)
                    for p in range(places)
                }
                seen = window.columns(start, limit, offset, list(wanted.values()))
                for k in range(taps):
                    at = code.at(factors, code.mul(code.add(w, k), self.f_step))
                    factor = code.load(at, mask)
                    for p, total in enumerate(totals):
                        value = seen[wanted[p, k]]
                        code.b.store(code.product_sum(value, factor, code.b.load(total)), total)

            in_groups(code, window.taps, TAPS, some)

        line_bytes = code.mul(g["channels"], code.size)
        place = code.add(g["place"], code.mul(first, g["every"]))
        y = code.at(g["Y"], code.mul(place, line_bytes), out)
        step = code.mul(g["every"], line_bytes)
        self.fetch_next(places, code.add(begin, shift))
        window.lines(line)
        for p, total in enumerate(totals):
            code.store(code.b.load(total), code.at(y, code.mul(step, p)), mask)

    def fetch_next(self, places: int, offset: ir.Value) -> None:
        """What the next line of places is the first to see."""
        code, g, window = self.code, self.code.given, self.window
        below = code.add(g["i"], code.mul(g["taps1"], g["step1"]))
        plane = code.mul(code.most(g["z"], I64(0)), g["x_plane"])
        x = code.at(g["X"], plane, code.mul(below, g["x_line"]), offset)
        apart = code.mul(window.column, window.stride)
        for p in range(places):
            code.fetch_ahead(code.at(x, code.mul(apart, p)))


# --- sums over places -----------------------------------------------------------------------------

_PRODUCTS = ["X", "D", "Y", "x_plane", "x_line", "y_row", *WHERE, "above", "places",
             "channels"]  # fmt: skip


def _products_function(
    module: ir.Module, dtype: str, multiplier: int, along: tuple[int, int, int]
) -> ir.Function:
    """Steps of ``x`` and ``y`` are in bytes."""
    name = "_".join(map(str, ("channel_products", dtype, multiplier, *along)))
    if name in module.globals:
        return module.globals[name]
    code = Code(module, name, dtype, _PRODUCTS)
    _Products(Window(code, multiplier, along)).emit()
    return code.finish()


class _Products:
    """Tap by tap, sums over the places of a line."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.code = window.code

    def emit(self) -> None:
        """Some vectors after the other, so that their part of the lines stays near."""
        code, channels = self.code, self.code.given["channels"]
        pairs = code.div(channels, 2 * code.lanes)
        code.times(pairs, lambda k: self.vectors(code.mul(k, 2), 2, None))
        first = code.mul(pairs, 2)
        rest = code.sub(channels, code.mul(first, code.lanes))
        single = code.div(rest, code.lanes)
        with code.when(code.b.icmp_signed(">", single, I64(0))):
            self.vectors(first, 1, None)
        left = code.sub(rest, code.mul(single, code.lanes))
        with code.when(code.b.icmp_signed(">", left, I64(0))):
            self.vectors(code.add(first, single), 1, left)

    def vectors(self, block: ir.Value, count: int, left: ir.Value | None) -> None:
        code, g = self.code, self.code.given

        def line(u: ir.Value, v: ir.Value, start: ir.Value, limit: ir.Value) -> None:
            first = code.mul(code.add(code.mul(u, g["taps1"]), v), g["taps2"])

            def some(taps: int, w: ir.Value) -> None:
                y = code.at(g["Y"], code.mul(code.add(first, w), g["y_row"]))
                _TapSums(self.window, taps, count, left).emit(w, y, start, limit, block)

            in_groups(code, self.window.taps, SUMMED_TAPS, some)

        self.window.lines(line)


class _TapSums:
    """Some taps and vectors of channels: sums in registers, over places in turn.

    Where the stride is a multiple of the step, most of what a place sees, the one before it saw.
    """

    def __init__(self, window: Window, taps: int, vectors: int, left: ir.Value | None) -> None:
        self.window = window
        self.code = window.code
        self.taps = taps
        self.vectors = vectors
        self.mask = None if left is None else self.code.below(left, self.code.lanes)
        window.seen = window.picture.mask(left)
        turn, rest = divmod(window.stride, window.step)
        self.turn = taps if rest else min(turn, taps)

    def emit(
        self, w: ir.Value, y: ir.Value, start: ir.Value, limit: ir.Value, block: ir.Value
    ) -> None:
        code, g, window = self.code, self.code.given, self.window
        size = code.lanes * code.size
        line_bytes = code.mul(g["channels"], code.size)
        d = code.at(g["D"], code.mul(g["above"], line_bytes), code.mul(block, size))
        begin = code.add(window.offset(I64(0)), code.mul(w, window.step, window.column))
        self.limit = limit
        self.lines = [
            code.at(start, window.picture.offset(code.add(block, v))) for v in range(self.vectors)
        ]
        sums = [code.variable(code.full(0.0)) for _ in range(self.taps * self.vectors)]
        held = [code.variable(v) for v in self.seen(begin, range(self.taps - self.turn))]

        def place(k: ir.Value) -> None:
            at = code.at(d, code.mul(k, line_bytes))
            factors = [code.load(code.at(at, v * size), self.mask) for v in range(self.vectors)]
            offset = code.add(begin, code.mul(k, window.stride, window.column))
            seen = [code.b.load(value) for value in held]
            seen += self.seen(offset, range(self.taps - self.turn, self.taps))
            for k, (total, value) in enumerate(zip(sums, seen, strict=True)):
                factor = factors[k % self.vectors]
                code.b.store(code.product_sum(value, factor, code.b.load(total)), total)
            for kept, value in zip(held, seen[len(seen) - len(held) :], strict=True):
                code.b.store(value, kept)

        code.times(g["places"], place)
        for k, total in enumerate(sums):
            tap, v = divmod(k, self.vectors)
            at = code.at(y, code.mul(g["y_row"], tap), code.mul(code.add(block, v), size))
            made = code.b.fadd(code.load(at, self.mask), code.b.load(total), flags=FLAGS)
            code.store(made, at, self.mask)

    def seen(self, offset: ir.Value, taps: range) -> list[ir.Value]:
        """Tap by tap, vector by vector, what some taps see at a place."""
        wanted = [tap * self.window.step for tap in taps]
        rows = [self.window.columns(line, self.limit, offset, wanted) for line in self.lines]
        return [row[column] for column in wanted for row in rows]


# --- words ----------------------------------------------------------------------------------------


def start(b: ir.IRBuilder, address: refs.Address) -> ir.Value:
    return b.bitcast(address.base, POINTER)


def stride_bytes(b: ir.IRBuilder, address: refs.Address, axis: int) -> ir.Value:
    return b.mul(address.strides[axis], I64(refs.BYTES[address.ref.dtype]))


def _emit(function: Any, multiplier: int, filtered: bool) -> Any:
    def emit(b: ir.IRBuilder, _: Any, values: tuple[Any, ...]) -> None:
        x, other, y, *numbers = values
        rows = (other, y) if filtered else (y,)
        where = dict(zip(WHERE, numbers, strict=False))
        along = tuple(where[name].constant for name in SPELT_OUT)
        made = function(b.module, y.ref.dtype, multiplier, along)
        pointers = [start(b, address) for address in (x, other, y)]
        steps = [
            stride_bytes(b, x, 0),
            stride_bytes(b, x, 1),
            *(stride_bytes(b, r, 0) for r in rows),
        ]
        b.call(made, [*pointers, *steps, *numbers])

    return emit


@cache
def channel_words() -> dict[str, Word]:
    """The words of :mod:`graphc.codegen.channels`."""
    emitters: dict[str, Any] = {}
    for m in MULTIPLIERS:
        emitters[channel_word("slide_channels", m)] = _emit(_slide_function, m, True)
        emitters[channel_word("channel_products", m)] = _emit(_products_function, m, False)
    return {name: Word(name, _rule(name), emit) for name, emit in emitters.items()}


def _rule(name: str) -> Callable[[tuple[Any, ...]], None]:
    count, views, _ = CHANNEL_WORDS[name]

    def rule(dtypes: tuple[Any, ...]) -> None:
        operands, numbers = dtypes[:views], dtypes[views:]
        if len(dtypes) != count or any(n != "int64" for n in numbers):
            raise TypeError(f"takes {views} operands and {count - views} int64, got {dtypes}")
        kinds = {getattr(o, "dtype", None) for o in operands}
        if len(kinds) != 1 or not kinds <= {"float32", "float64"}:
            raise TypeError("takes operands of one dtype, float32 or float64")

    return rule
