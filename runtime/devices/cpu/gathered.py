"""Products whose left rows lie anywhere in memory: register tiles that keep an address per row.

A tile sums over runs: before each it adds the run's step to every row's place; inside a run all
rows move alike, and the panel's next vectors are right behind the last.  So the places of a window
are rows without ever being copied one behind the other.  Rows with addresses of their own are what
Dukhan, "The Indirect Convolution Algorithm" (2019), multiplies; there every tap has an address,
here one line of the window.
"""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import Any

from llvmlite import ir

from graphc.codegen.gathered import GATHERED_WORDS, SPARE
from graphc.codegen.panels import PANEL_BYTES
from runtime.devices.cpu import llvm_target, tiles
from runtime.devices.cpu.packing import pack_columns
from runtime.devices.cpu.refs import I64
from runtime.devices.cpu.words import Word


@cache
def tile_rows() -> tuple[int, ...]:
    """Row counts of tiles, most first; what is left over at the end fills the next larger one.

    14 rows of 2 vectors leave 4 of 32 registers; 3 of 4, as many of 16.
    """
    return (14, 12, 8, 4) if llvm_target.host().has_avx512 else (3,)


def _tile_function(module: ir.Module, dtype: str, rows: int) -> ir.Function:
    """``tile(p, rows, steps, n, run, gap, b, y, y_step, count, width, add)``, all in elements.

    Of its rows only the first ``count`` are counted: others repeat the last.
    """
    name = f"gathered_{dtype}_{rows}"
    if name in module.globals:
        return module.globals[name]
    kind = tiles.lanes_of(dtype)
    pointer, table = kind.element.as_pointer(), I64.as_pointer()
    takes = [pointer, table, table, I64, I64, I64, pointer, pointer, I64, I64, I64, I64]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), takes), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    llvm_target.set_attributes(function, llvm_target.host())
    for position in (0, 1, 2, 6, 7):
        function.args[position].add_attribute("noalias")
    _Tile(function, kind, rows).emit()
    return function


class _Tile:
    def __init__(self, function: ir.Function, kind: Any, rows: int) -> None:
        self.kind = kind
        self.rows = range(rows)
        self.vectors = range(kind.vectors)
        self.b = ir.IRBuilder(function.append_basic_block("entry"))
        self.masked = tiles.Masked(function.module, kind)
        self.fma = tiles.declared(
            function.module, f"llvm.fmuladd.{kind.suffix}", kind.vector, *[kind.vector] * 3
        )
        (
            self.p, self.places, self.steps, self.n, self.run, self.gap, self.panel, self.y,
            self.y_step, self.count, self.width, self.add,
        ) = function.args  # fmt: skip

    def emit(self) -> None:
        b = self.b
        masks = tiles.masks_of(b, self.kind, self.width)
        targets = self._targets()
        initial = self._initial(targets, masks)
        entry = b.block
        outer, inner, after, done = (
            b.append_basic_block(name) for name in ("step", "element", "stepped", "done")
        )
        some = b.and_(b.icmp_signed(">", self.n, I64(0)), b.icmp_signed(">", self.run, I64(0)))
        b.cbranch(some, outer, done)
        b.position_at_end(outer)
        step, behind, sums = self._phis(entry, (I64(0), self.panel), initial)
        left = b.gep(self.p, [b.load(b.gep(self.steps, [step]), align=8)])
        rows = [b.gep(left, [b.load(b.gep(self.places, [I64(r)]), align=8)]) for r in self.rows]
        b.branch(inner)
        b.position_at_end(inner)
        k, panel, running = self._phis(outer, (I64(0), behind), sums)
        made = self._multiplied(rows, b.mul(k, self.gap), panel, running)
        next_k = b.add(k, I64(1))
        next_panel = b.gep(panel, [I64(self.kind.lanes * self.kind.vectors)])
        self._close((k, panel, running), (next_k, next_panel, made))
        b.cbranch(b.icmp_signed("<", next_k, self.run), inner, after)
        b.position_at_end(after)
        next_step = b.add(step, I64(1))
        self._close((step, behind, sums), (next_step, next_panel, made))
        b.cbranch(b.icmp_signed("<", next_step, self.n), outer, done)
        b.position_at_end(done)
        finals = [[b.phi(self.kind.vector) for _ in masks] for _ in self.rows]
        for target, *ends in zip(targets, finals, initial, made, strict=True):
            for v, (final, first, last) in enumerate(zip(*ends, strict=True)):
                final.add_incoming(first, entry)
                final.add_incoming(last, after)
                self.masked.store(b, final, self._vector(target, v), masks[v])
        b.ret_void()

    def _vector(self, base: ir.Value, v: int) -> ir.Value:
        pointer = self.b.gep(base, [I64(v * self.kind.lanes)])
        return self.b.bitcast(pointer, self.kind.vector.as_pointer())

    def _targets(self) -> list[ir.Value]:
        b, last = self.b, self.b.sub(self.count, I64(1))
        rows = (b.select(b.icmp_signed("<", I64(r), last), I64(r), last) for r in self.rows)
        return [b.gep(self.y, [b.mul(row, self.y_step)]) for row in rows]

    def _initial(self, targets: list[ir.Value], masks: list[ir.Value]) -> list[list[ir.Value]]:
        adding = tiles.splat(self.b, self.b.icmp_signed("!=", self.add, I64(0)), self.kind.lanes)
        masks = [self.b.and_(mask, adding) for mask in masks]
        return [
            [self.masked.load(self.b, self._vector(t, v), mask) for v, mask in enumerate(masks)]
            for t in targets
        ]

    def _phis(
        self, before: ir.Block, start: tuple[ir.Value, ir.Value], sums: list[list[ir.Value]]
    ) -> tuple[ir.Value, ir.Value, list[list[ir.Value]]]:
        """A counter, a pointer and the sums, as they come from ``before``."""
        found = []
        for value in (*start, *chain.from_iterable(sums)):
            found.append(self.b.phi(value.type))
            found[-1].add_incoming(value, before)
        counter, pointer, *rest = found
        each = len(self.vectors)
        return counter, pointer, [rest[r * each : (r + 1) * each] for r in self.rows]

    def _close(self, phis: tuple, later: tuple) -> None:
        flat = ((p, q, *chain.from_iterable(sums)) for p, q, sums in (phis, later))
        for phi, value in zip(*flat, strict=True):
            phi.add_incoming(value, self.b.block)

    def _multiplied(
        self, rows: list[ir.Value], offset: ir.Value, panel: ir.Value, sums: list[list[ir.Value]]
    ) -> list[list[ir.Value]]:
        b, kind = self.b, self.kind
        right = [b.load(self._vector(panel, v), align=kind.bytes) for v in self.vectors]
        made = []
        for row, own in zip(rows, sums, strict=True):
            factor = tiles.splat(b, b.load(b.gep(row, [offset]), align=kind.bytes), kind.lanes)
            made.append(
                [b.call(self.fma, [factor, *pair]) for pair in zip(right, own, strict=True)]
            )
        return made


def _emit_gathered(b: ir.IRBuilder, _: Any, values: tuple[Any, ...]) -> None:
    p, rows, steps, right, y, add, count, at, j0, j1, base, n, run, gap = values
    width = b.sub(j1, j0)
    left = b.gep(p.base, [base])
    target = b.gep(y.base, [b.add(b.mul(at, y.strides[0]), j0)])

    def call(size: int, i: ir.Value) -> None:
        tile = _tile_function(b.module, y.ref.dtype, size)
        own = b.gep(target, [b.mul(i, y.strides[0])])
        places = b.gep(rows.base, [i])
        b.call(tile, [left, places, steps.base, n, run, gap, right.base, own, y.strides[0],
                      b.sub(count, i), width, add])  # fmt: skip

    most, *fewer = tile_rows()
    assert most <= SPARE
    whole = b.sdiv(count, I64(most))
    tiles.counted(b, whole, "tiles", lambda k: call(most, b.mul(k, I64(most))))
    begin = b.mul(whole, I64(most))
    rest = b.sub(count, begin)
    end = b.append_basic_block("multiplied")
    for size, below in zip((most, *fewer), (*fewer, 0), strict=True):
        fits, other = b.append_basic_block(f"rest_{size}"), b.append_basic_block("smaller")
        b.cbranch(b.icmp_signed(">", rest, I64(below)), fits, other)
        b.position_at_end(fits)
        call(size, begin)
        b.branch(end)
        b.position_at_end(other)
    b.branch(end)
    b.position_at_end(end)


def _gathered_rule(dtypes: tuple[Any, ...]) -> None:
    count, _ = GATHERED_WORDS["multiply_gathered"]
    ranks = [getattr(d, "rank", 0) for d in dtypes[:5]]
    if len(dtypes) != count or ranks != [1, 1, 1, 2, 2] or any(d != "int64" for d in dtypes[5:]):
        raise TypeError(f"takes operands of ranks 1, 1, 1, 2, 2 and 9 int64, got {dtypes}")
    floats, tables = {dtypes[k].dtype for k in (0, 3, 4)}, {dtypes[k].dtype for k in (1, 2)}
    if len(floats) != 1 or not floats <= {"float32", "float64"} or tables != {"int64"}:
        raise TypeError(f"takes tables of int64 and operands of one float dtype, got {dtypes}")


def _emit_turned(b: ir.IRBuilder, _: Any, values: tuple[Any, ...]) -> None:
    x, w, j0, e, first, width, depth = values
    kind = tiles.lanes_of(w.ref.dtype)
    source = b.gep(x.base, [b.add(b.mul(j0, x.strides[0]), e)])
    target = b.gep(w.base, [b.mul(first, I64(PANEL_BYTES // kind.bytes))])
    lead = b.mul(x.strides[0], I64(kind.bytes))
    pack_columns(b, kind, b.ptrtoint(source, I64), lead, b.ptrtoint(target, I64), width, depth)


def _turned_rule(dtypes: tuple[Any, ...]) -> None:
    count, _ = GATHERED_WORDS["pack_turned"]
    operands = {(getattr(d, "dtype", None), getattr(d, "rank", 0)) for d in dtypes[:2]}
    if len(dtypes) != count or any(d != "int64" for d in dtypes[2:]):
        raise TypeError(f"takes 2 operands and 5 int64, got {dtypes}")
    if len(operands) != 1 or not operands <= {("float32", 2), ("float64", 2)}:
        raise TypeError("takes operands of rank 2 and one dtype, float32 or float64")


@cache
def gathered_words() -> dict[str, Word]:
    """The words of :mod:`graphc.codegen.gathered`."""
    return {
        "multiply_gathered": Word("multiply_gathered", _gathered_rule, _emit_gathered),
        "pack_turned": Word("pack_turned", _turned_rule, _emit_turned),
    }
