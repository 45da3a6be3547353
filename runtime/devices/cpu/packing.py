"""Copying what a matrix product reads to where it is read densely, as LLVM IR."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from graphc.codegen.panels import PANEL_BYTES
from runtime.devices.cpu.refs import I32, I64
from runtime.devices.cpu.tiles import (
    Lanes,
    Masked,
    counted,
    masks_of,
    splat,
)

BLOCK_BYTES = 16  # within which vectors of every width shuffle cheaply


def pack_columns(
    b: ir.IRBuilder, kind: Lanes, source: ir.Value, lead: ir.Value, w: ir.Value, width: ir.Value,
    depth: ir.Value,
) -> None:  # fmt: skip
    """Make ``width`` rows of ``depth`` elements, ``lead`` bytes apart, the columns of panel ``w``.

    Columns from ``width`` on are 0.  Squares of as many rows as a vector has lanes are turned in
    registers; up to that many rows less one are written behind the last.
    """
    if kind.bytes < 4:
        _pack_elements(b, kind, source, lead, w, width, depth)
        return
    masked, lanes = Masked(b.module, kind), kind.lanes
    squares = b.sdiv(b.add(depth, I64(lanes - 1)), I64(lanes))

    def square(number: ir.Value) -> None:
        k = b.mul(number, I64(lanes))
        (inside,) = masks_of(b, kind, b.sub(depth, k), 1)
        for part in range(kind.vectors):
            first = part * lanes
            rows = []
            for r in range(first, first + lanes):
                place = b.add(source, b.add(b.mul(lead, I64(r)), b.mul(k, I64(kind.bytes))))
                there = splat(b, b.icmp_signed(">", width, I64(r)), lanes)
                pointer = b.inttoptr(place, kind.vector.as_pointer())
                rows.append(masked.load(b, pointer, b.and_(inside, there)))
            for c, column in enumerate(_turned(b, kind, rows)):
                place = b.add(w, b.mul(b.add(k, I64(c)), I64(PANEL_BYTES)))
                place = b.add(place, I64(part * kind.vector_bytes))
                b.store(column, b.inttoptr(place, kind.vector.as_pointer()), align=kind.bytes)

    counted(b, squares, "square", square)


def _turned(b: ir.IRBuilder, kind: Lanes, rows: list[ir.Value]) -> list[ir.Value]:
    """A square of vectors, transposed: first within blocks of 16 bytes, then the blocks."""
    q = BLOCK_BYTES // kind.bytes
    blocks = kind.lanes // q

    def shuffled(x: ir.Value, y: ir.Value, places: list[int]) -> ir.Value:
        return b.shuffle_vector(x, y, ir.Constant(ir.VectorType(I32, kind.lanes), places))

    def woven(pair: list[ir.Value], half: int, run: int) -> ir.Value:
        """Of each block, runs of the low (or high) half of both by turns."""
        places: list[int] = []
        for block in range(blocks):
            start = block * q + half * (q // 2)
            for at in range(start, start + q // 2, run):
                places += range(at, at + run)
                places += range(kind.lanes + at, kind.lanes + at + run)
        return shuffled(pair[0], pair[1], places)

    def every_second(x: ir.Value, y: ir.Value, odd: int) -> ir.Value:
        """The even (or odd) blocks of x, then those of y."""
        taken = range(odd, 2 * blocks, 2)
        return shuffled(x, y, [block * q + lane for block in taken for lane in range(q)])

    columns: list[list[ir.Value]] = [[] for _ in range(q)]  # [within a block][group of rows]
    for g in range(0, kind.lanes, q):
        group = rows[g : g + q]
        if q == 4:
            low, high = ([woven(group[p : p + 2], h, 1) for p in (0, 2)] for h in (0, 1))
            group = [woven(pair, h, 2) for pair in (low, high) for h in (0, 1)]
        else:
            group = [woven(group, h, 1) for h in (0, 1)]
        for column, vector in zip(columns, group, strict=True):
            column.append(vector)

    def arranged(vectors: list[ir.Value]) -> list[ir.Value]:
        """Block c of all vectors as vector c."""
        if len(vectors) == 1:
            return vectors
        pairs = list(zip(vectors[::2], vectors[1::2], strict=True))
        even, odd = (arranged([every_second(*pair, o) for pair in pairs]) for o in (0, 1))
        return [vector for pair in zip(even, odd, strict=True) for vector in pair]

    sorted_blocks = [arranged(column) for column in columns]
    return [sorted_blocks[e][c] for c in range(blocks) for e in range(q)]


def _pack_elements(
    b: ir.IRBuilder, kind: Lanes, source: ir.Value, lead: ir.Value, w: ir.Value, width: ir.Value,
    depth: ir.Value,
) -> None:  # fmt: skip
    element = kind.element.as_pointer()

    def row(k: ir.Value) -> None:
        target = b.add(w, b.mul(k, I64(PANEL_BYTES)))
        begin = b.add(source, b.mul(k, I64(kind.bytes)))

        def copied(c: ir.Value) -> None:
            value = b.load(b.inttoptr(b.add(begin, b.mul(c, lead)), element), align=kind.bytes)
            place = b.add(target, b.mul(c, I64(kind.bytes)))
            b.store(value, b.inttoptr(place, element), align=kind.bytes)

        def cleared(c: ir.Value) -> None:
            place = b.add(target, b.mul(b.add(width, c), I64(kind.bytes)))
            b.store(kind.element(0), b.inttoptr(place, element), align=kind.bytes)

        counted(b, width, "copy", copied)
        counted(b, b.sub(I64(PANEL_BYTES // kind.bytes), width), "clear", cleared)

    counted(b, depth, "row", row)


def copy_run(
    b: ir.IRBuilder, kind: Lanes, source: ir.Value, target: ir.Value, lo: ir.Value, hi: ir.Value,
    run: ir.Value,
) -> None:  # fmt: skip
    """Copy elements lo .. hi of a run of ``run``, zeros for the others; byte pointers.

    A vector at a time, masked where a part is outside: short runs are one load, one store.
    """
    masked = Masked(b.module, kind)
    lanes = ir.Constant(ir.VectorType(I32, kind.lanes), list(range(kind.lanes)))
    vectors = b.sdiv(b.add(run, I64(kind.lanes - 1)), I64(kind.lanes))
    whole = b.and_(b.icmp_signed("<=", lo, I64(0)), b.icmp_signed(">=", hi, run))
    plain = b.select(whole, b.sdiv(run, I64(kind.lanes)), I64(0))

    def at(base: ir.Value, offset: ir.Value) -> ir.Value:
        return b.bitcast(b.gep(base, [offset]), kind.vector.as_pointer())

    def copied(k: ir.Value) -> None:
        offset = b.mul(k, I64(kind.vector_bytes))
        value = b.load(at(source, offset), align=kind.bytes)
        b.store(value, at(target, offset), align=kind.bytes)

    def below(bound: ir.Value, begin: ir.Value) -> Any:
        left = b.trunc(b.sub(bound, begin), I32)
        return b.icmp_signed("<", lanes, splat(b, left, kind.lanes))

    def vector(k: ir.Value) -> None:
        begin = b.mul(b.add(plain, k), I64(kind.lanes))
        offset = b.mul(begin, I64(kind.bytes))
        inside = b.and_(below(hi, begin), b.not_(below(lo, begin)))
        value = masked.load(b, at(source, offset), inside)
        masked.store(b, value, at(target, offset), below(run, begin))

    counted(b, plain, "whole", copied)
    counted(b, b.sub(vectors, plain), "run", vector)
