"""Pools on the CPU: windows that slide along a line, as :mod:`runtime.devices.cpu.channels` has it.

The largest so far, or the sum, of some places and one vector of channels stays in registers over
the whole window.  Outside the picture there is what changes nothing: minus infinity, or zero.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from llvmlite import ir

from graphc.codegen.channels import SPELT_OUT, WHERE
from graphc.codegen.pools import POOL_WORDS
from runtime.devices.cpu import refs
from runtime.devices.cpu.channels import TAPS, Window, blocks, in_groups, start, tiles
from runtime.devices.cpu.refs import I8, I64
from runtime.devices.cpu.vector_code import Code
from runtime.devices.cpu.words import FLAGS, Word

_FOLD = ["X", "Y", "x_plane", "x_line", *WHERE, "places", "channels"]
_CHOSEN = ["X", "M", "Y", "x_plane", "x_line", "m_plane", "m_line", *WHERE, "number", "n0", "n1",
           "n2", "place", "every", "places", "channels"]  # fmt: skip

Along = tuple[int, int, int]


class _Fold:
    """One number per place and channel, from what its window sees."""

    outside = 0.0

    def __init__(self, module: ir.Module, name: str, dtype: str, along: Along) -> None:
        self.code = Code(module, name, dtype, _FOLD)
        self.window = Window(self.code, 1, along)
        self.window.outside = self.outside

    def made(self) -> ir.Function:
        tiles(self.code, self.tile)
        return self.code.finish()

    def tile(self, places: int, first: ir.Value) -> None:
        self.begun(places, first)
        blocks(self.code, lambda block, left: self.folded(places, first, block, left))

    def folded(self, places: int, first: ir.Value, block: ir.Value, left: ir.Value | None) -> None:
        code, window = self.code, self.window
        self.mask = window.seen = None if left is None else code.below(left, code.lanes)
        self.totals = [code.variable(code.full(self.outside)) for _ in range(places)]
        begin, shift = window.offset(first), window.picture.offset(block)

        def line(u: ir.Value, v: ir.Value, at: ir.Value, limit: ir.Value) -> None:
            at = code.at(at, shift)

            def some(taps: int, w: ir.Value) -> None:
                offset = code.add(begin, code.mul(w, window.step, window.column))
                wanted = {
                    (p, k): p * window.stride + k * window.step
                    for k in range(taps)
                    for p in range(places)
                }
                seen = window.columns(at, limit, offset, list(wanted.values()))
                for k in range(taps):
                    for p in range(places):
                        self.step(p, seen[wanted[p, k]])

            in_groups(code, window.taps, TAPS, some)

        window.lines(line)
        line_bytes = code.mul(code.given["channels"], code.size)
        y = code.at(code.given["Y"], code.mul(first, line_bytes), shift)
        for p, total in enumerate(self.totals):
            value = self.finished(p, code.b.load(total))
            code.store(value, code.at(y, code.mul(line_bytes, p)), self.mask)

    def begun(self, places: int, first: ir.Value) -> None:
        """Before the vectors of a tile."""

    def step(self, place: int, seen: ir.Value) -> None:
        raise NotImplementedError

    def finished(self, place: int, total: ir.Value) -> ir.Value:
        return total

    def inside_columns(self, place: ir.Value) -> tuple[ir.Value, ir.Value]:
        """The part ``[lo, hi)`` of the window's columns that are inside."""
        code, g = self.code, self.code.given
        column = code.add(g["j"], code.mul(place, self.window.stride))
        lo = code.most(code.sub(I64(0), column), I64(0))
        return lo, code.least(code.sub(g["in2"], column), I64(self.window.taps))


class _Maximum(_Fold):
    outside = -float("inf")

    def step(self, place: int, seen: ir.Value) -> None:
        b, total = self.code.b, self.totals[place]
        module, lanes = self.code.function.module, self.code.lanes
        kind = self.code.vector
        name = f"llvm.maximum.v{lanes}f{8 * self.code.size}"
        word = module.globals.get(name) or ir.Function(
            module, ir.FunctionType(kind, [kind] * 2), name
        )
        b.store(b.call(word, [b.load(total), seen], fastmath=("nsz",)), total)


class _Mean(_Fold):
    def begun(self, places: int, first: ir.Value) -> None:
        code, g = self.code, self.code.given
        lines: ir.Value = I64(1)
        for at, taps, size in (("z", "taps0", "in0"), ("i", "taps1", "in1")):
            lo = code.most(code.sub(I64(0), g[at]), I64(0))
            lines = code.mul(lines, code.sub(code.least(code.sub(g[size], g[at]), g[taps]), lo))
        self.shares = []
        for p in range(places):
            lo, hi = self.inside_columns(code.add(first, p))
            count = code.b.sitofp(code.mul(lines, code.sub(hi, lo)), code.element)
            share = code.b.fdiv(ir.Constant(code.element, 1.0), count)
            self.shares.append(code.spread(share))

    def step(self, place: int, seen: ir.Value) -> None:
        b, total = self.code.b, self.totals[place]
        b.store(b.fadd(b.load(total), seen, flags=FLAGS), total)

    def finished(self, place: int, total: ir.Value) -> ir.Value:
        return self.code.b.fmul(total, self.shares[place], flags=FLAGS)


class _Chosen:
    """To each place, the sum of what the windows over it choose it for."""

    def __init__(self, module: ir.Module, name: str, dtype: str, along: Along) -> None:
        self.code = Code(module, name, dtype, _CHOSEN)
        self.window = Window(self.code, 1, along)

    def made(self) -> ir.Function:
        tiles(self.code, self.tile)
        return self.code.finish()

    def tile(self, places: int, first: ir.Value) -> None:
        blocks(self.code, lambda block, left: self.sums(places, first, block, left))

    def sums(self, places: int, first: ir.Value, block: ir.Value, left: ir.Value | None) -> None:
        code, g, window = self.code, self.code.given, self.window
        mask = window.seen = None if left is None else code.below(left, code.lanes)
        totals = [code.variable(code.full(0.0)) for _ in range(places)]
        begin, shift = window.offset(first), window.picture.offset(block)

        def line(u: ir.Value, v: ir.Value, at: ir.Value, limit: ir.Value) -> None:
            at = code.at(at, shift)
            a = code.add(g["z"], code.mul(u, g["step0"]))
            b = code.add(g["i"], code.mul(v, g["step1"]))
            marks = code.at(g["M"], code.mul(a, g["m_plane"]), code.mul(b, g["m_line"]),
                            code.mul(block, code.lanes))  # fmt: skip
            start_number = code.add(g["number"], code.mul(u, g["n0"]), code.mul(v, g["n1"]))

            def some(taps: int, w: ir.Value) -> None:
                offset = code.add(begin, code.mul(w, window.step, window.column))
                wanted = {
                    (p, k): p * window.stride + k * window.step
                    for k in range(taps)
                    for p in range(places)
                }
                seen = window.columns(at, limit, offset, list(wanted.values()))
                marked = self.marks(marks, limit, offset, list(wanted.values()), mask)
                for k in range(taps):
                    number = code.add(start_number, code.mul(code.add(w, k), g["n2"]))
                    wide = code.spread(code.b.trunc(number, I8))
                    for p, total in enumerate(totals):
                        column = wanted[p, k]
                        hit = code.b.icmp_signed("==", marked[column], wide)
                        value = code.b.select(hit, seen[column], code.full(0.0))
                        more = code.b.fadd(code.b.load(total), value, flags=FLAGS)
                        code.b.store(more, total)

            in_groups(code, window.taps, TAPS, some)

        window.lines(line)
        line_bytes = code.mul(g["channels"], code.size)
        place = code.add(g["place"], code.mul(first, g["every"]))
        y = code.at(g["Y"], code.mul(place, line_bytes), shift)
        step = code.mul(g["every"], line_bytes)
        for p, total in enumerate(totals):
            code.store(code.b.load(total), code.at(y, code.mul(step, p)), mask)

    def marks(
        self, line: ir.Value, limit: ir.Value, offset: ir.Value, wanted: list[int], mask: Any
    ) -> dict[int, ir.Value]:
        """The choices at some columns; anything where these are outside."""
        code, found = self.code, {}
        beyond = code.filler()
        for column in sorted(set(wanted)):
            along = code.add(offset, code.mul(self.window.column, column))
            inside = code.b.icmp_unsigned("<", along, limit)
            to = code.at(line, code.b.ashr(along, I64(code.size.bit_length() - 1)))
            address = code.b.select(inside, to, beyond)
            found[column] = code.load(address, mask, element=I8)
        return found


_KINDS: dict[str, Any] = {
    "slide_maximum": _Maximum, "slide_mean": _Mean,
    "spread_chosen": _Chosen,
}  # fmt: skip


def _emitter(name: str) -> Any:
    views = POOL_WORDS[name][1]

    def emit(b: ir.IRBuilder, _: Any, values: tuple[Any, ...]) -> None:
        operands, numbers = values[:views], values[views:]
        x = operands[0]
        where = dict(zip(WHERE, numbers, strict=False))
        along = tuple(where[key].constant for key in SPELT_OUT)
        title = "_".join(map(str, (name, x.ref.dtype, *along)))
        made = b.module.globals.get(title)
        if made is None:
            made = _KINDS[name](b.module, title, x.ref.dtype, along).made()
        pictures = operands[:2] if name == "spread_chosen" else operands[:1]
        steps = [
            b.mul(stride, I64(refs.BYTES[picture.ref.dtype]))
            for picture in pictures
            for stride in picture.strides
        ]
        b.call(made, [*(start(b, operand) for operand in operands), *steps, *numbers])

    return emit


def _rule(name: str) -> Callable[[tuple[Any, ...]], None]:
    count, views, _ = POOL_WORDS[name]

    def rule(dtypes: tuple[Any, ...]) -> None:
        operands, numbers = dtypes[:views], dtypes[views:]
        if len(dtypes) != count or any(n != "int64" for n in numbers):
            raise TypeError(f"takes {views} operands and {count - views} int64, got {dtypes}")
        kinds = {getattr(operand, "dtype", None) for operand in operands} - {"uint8"}
        if len(kinds) != 1 or not kinds <= {"float32", "float64"}:
            raise TypeError("takes pictures of one dtype, float32 or float64")

    return rule


@cache
def pool_words() -> dict[str, Word]:
    """The words of :mod:`graphc.codegen.pools`."""
    return {name: Word(name, _rule(name), _emitter(name)) for name in POOL_WORDS}
