"""Matrix products of any size from register tiles, in the int64 subset of Python.

One library of machine code per dtype, compiled once per machine and called by every kernel that
multiplies: a kernel's own code is its loops alone.  ``multiply`` goes through the right operand
panel by panel, as deep as a panel stays in the nearest cache, and covers the rows with tiles.  It
packs a panel where several tiles read it, on the stack of the thread; the first tile does the
copying on its way.  Products with few rows or columns that lie along the sum take dot products.

Addresses and steps are in bytes.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from graphc.codegen.panels import PANEL_BYTES
from runtime.devices.cpu import int64, llvm_target, tiles
from runtime.devices.cpu.int64 import Word
from runtime.devices.cpu.packing import pack_columns, pack_panels
from runtime.devices.cpu.refs import I64
from runtime.devices.cpu.tile_library import PREFIX
from runtime.devices.cpu.tiles import BYTE, lanes_of, tile_shape

DEEPEST = 512  # rows of a packed panel; 64 KB on the stack
SPARE = 64  # rows behind them that packing may write
GROUP = 8  # panels that are packed together where the right operand is spread over many pages
GROUP_DEEPEST = 256  # rows of such panels; 256 KB on the stack
GROUP_ROWS = 240  # of the left operand that stay in the second cache beside them
SPREAD = 4 << 20  # bytes over which such an operand is spread
PANEL_SPACE = (DEEPEST + SPARE) * PANEL_BYTES  # bytes
LARGE_ROWS = 96
FEW = 12  # rows or columns below which operands that lie along the sum are not packed


def library(dtype: str, machine: llvm_target.Machine) -> ir.Module:
    """The module that defines ``graphc_multiply_DTYPE``; the others are its own."""
    module = llvm_target.new_module(f"tiles of {dtype}", machine)
    module.graphc_lanes = lanes_of(dtype)
    int64.emit(module, {PREFIX + dtype: multiply, "panels": panels, "large": large, "dots": dots})
    for function in module.functions:
        if not function.is_declaration:
            llvm_target.set_attributes(function, machine)
            if function.name != PREFIX + dtype:
                function.linkage = "internal"
    return module


# --- words --------------------------------------------------------------------------------------


def _constant(find: Callable[[tiles.Lanes], int]) -> Word:
    return Word(lambda b: I64(find(b.module.graphc_lanes)))


ELEMENT = _constant(lambda kind: kind.bytes)
COLUMNS = _constant(lambda kind: PANEL_BYTES // kind.bytes)
TILE_COLUMNS = _constant(lambda kind: _tile_vectors() * kind.lanes)
TILE_BYTES = _constant(lambda kind: _tile_vectors() * kind.vector_bytes)
TILE_ROWS = _constant(lambda kind: tile_shape(llvm_target.host()).rows[0])
WIDE_COLUMNS = _constant(lambda kind: WIDE * kind.lanes)
WIDE_BYTES = _constant(lambda kind: WIDE * kind.vector_bytes)

WIDE = 8  # vectors of the tile of one row: their sums hide the time one multiplication takes


def _tile_vectors() -> int:
    return tile_shape(llvm_target.host()).vectors


@Word
def panel_space(b: ir.IRBuilder) -> ir.Value:
    """A panel's room on the stack of the thread."""
    with b.goto_entry_block():
        room = b.alloca(ir.ArrayType(BYTE, PANEL_SPACE))
    room.align = 64
    return b.ptrtoint(room, I64)


@Word
def group_space(b: ir.IRBuilder) -> ir.Value:
    """The room of a group of panels on the stack of the thread."""
    return _room(b, GROUP * GROUP_DEEPEST * PANEL_BYTES)


def _room(b: ir.IRBuilder, size: int) -> ir.Value:
    with b.goto_entry_block():
        room = b.alloca(ir.ArrayType(BYTE, size))
    room.align = 64
    return b.ptrtoint(room, I64)


@Word
def pack_group(b: ir.IRBuilder, *numbers: ir.Value) -> None:
    pack_panels(b, b.module.graphc_lanes, *numbers, stride=GROUP_DEEPEST * PANEL_BYTES)


@Word
def pack_turned(b: ir.IRBuilder, *numbers: ir.Value) -> None:
    pack_columns(b, b.module.graphc_lanes, *numbers)


@Word
def packing_tile(b: ir.IRBuilder, *numbers: ir.Value) -> None:
    shape = tile_shape(llvm_target.host())
    dtype = b.module.graphc_lanes.dtype
    b.call(tiles.outer_tile(b.module, dtype, shape.rows[0], shape.vectors, True), numbers)


@Word
def wide_tile(b: ir.IRBuilder, *numbers: ir.Value) -> None:
    dtype = b.module.graphc_lanes.dtype
    b.call(tiles.outer_tile(b.module, dtype, 1, WIDE, False), [*numbers, I64(0)])


@Word
def cover(b: ir.IRBuilder, *numbers: ir.Value) -> None:
    """``cover(a, row_step, k_step, p, p_step, y, y_step, depth, loaded, stored, add, rows)``:
    tiles for all rows of a panel."""
    module = b.module
    found = module.globals.get("cover")
    if found is None:
        found = ir.Function(module, ir.FunctionType(ir.VoidType(), [I64] * 12), "cover")
        found.attributes.add("noinline")
        _emit_cover(found, module.graphc_lanes)
    b.call(found, numbers)


def _emit_cover(function: ir.Function, kind: tiles.Lanes) -> None:
    a, row_step, k_step, p, p_step, y, y_step, depth, loaded, stored, add, rows = function.args
    b = ir.IRBuilder(function.append_basic_block("entry"))
    shape = tile_shape(llvm_target.host())
    columns = shape.vectors * kind.lanes
    parts = b.sdiv(b.add(stored, I64(columns - 1)), I64(columns))

    def part(number: ir.Value) -> None:
        first = b.mul(number, I64(columns))
        offset = b.mul(first, I64(kind.bytes))
        panel, target = b.add(p, offset), b.add(y, offset)
        readable, width = b.sub(loaded, first), b.sub(stored, first)

        def call(height: int, vectors: int, i: ir.Value) -> None:
            tile = tiles.outer_tile(b.module, kind.dtype, height, vectors, False)
            left, made = b.add(a, b.mul(i, row_step)), b.add(target, b.mul(i, y_step))
            b.call(tile, [left, row_step, k_step, panel, p_step, made, y_step, depth, readable,
                          width, add, I64(0)])  # fmt: skip

        with b.if_else(b.icmp_signed("<=", width, I64(kind.lanes))) as (narrow, wide):
            with narrow:
                _cover_rows(b, shape.rows, rows, lambda height, i: call(height, 1, i))
            with wide:
                _cover_rows(b, shape.rows, rows, lambda height, i: call(height, shape.vectors, i))

    tiles.counted(b, parts, "part", part)
    b.ret_void()


def _cover_rows(
    b: ir.IRBuilder, heights: tuple[int, ...], rows: ir.Value, call: Callable[[int, ir.Value], None]
) -> None:
    """As many of the highest tiles as fit, then lower and lower ones."""
    begin: ir.Value = I64(0)
    for height in heights:
        count = b.sdiv(b.sub(rows, begin), I64(height))

        def tile(k: ir.Value, height: int = height, start: ir.Value = begin) -> None:
            call(height, b.add(start, b.mul(k, I64(height))))

        tiles.counted(b, count, f"tiles_{height}", tile)
        begin = b.add(begin, b.mul(count, I64(height)))


def _dot_word(rows: int, columns: int) -> Word:
    def emit(b: ir.IRBuilder, *numbers: ir.Value) -> None:
        b.call(tiles.dot_tile(b.module, b.module.graphc_lanes.dtype, rows, columns), numbers)

    return Word(emit)


dots_4x4 = _dot_word(4, 4)
dots_1x8 = _dot_word(1, 8)
dots_1x4 = _dot_word(1, 4)
dots_1x1 = _dot_word(1, 1)


# --- functions of int64 -------------------------------------------------------------------------


def dots(
    a: int, row_step: int, b: int, column_step: int, y: int, y_row: int, y_column: int, rows: int,
    columns: int, depth: int, add: int,
) -> int:  # fmt: skip
    """Dot products of rows and columns that both lie along the sum."""
    while rows >= 4 and columns >= 4:
        j = 0
        while j + 4 <= columns:
            dots_4x4(a, row_step, b + j * column_step, column_step, y + j * y_column, y_row,
                     y_column, depth, add)  # fmt: skip
            j += 4
        if j < columns:
            dots(b + j * column_step, column_step, a, row_step, y + j * y_column, y_column, y_row,
                 columns - j, 4, depth, add)  # fmt: skip
        a += 4 * row_step
        y += 4 * y_row
        rows -= 4
    if columns < rows and columns < 4:
        return dots(b, column_step, a, row_step, y, y_column, y_row, columns, rows, depth, add)
    while rows > 0:
        j = 0
        while j + 8 <= columns:
            dots_1x8(a, 0, b + j * column_step, column_step, y + j * y_column, 0, y_column, depth,
                     add)  # fmt: skip
            j += 8
        while j + 4 <= columns:
            dots_1x4(a, 0, b + j * column_step, column_step, y + j * y_column, 0, y_column, depth,
                     add)  # fmt: skip
            j += 4
        while j < columns:
            dots_1x1(a, 0, b + j * column_step, 0, y + j * y_column, 0, 0, depth, add)
            j += 1
        a += row_step
        y += y_row
        rows -= 1
    return 0


def multiply(
    a: int, row_step: int, k_step: int, b: int, b_step: int, turned: int, y: int, y_step: int,
    rows: int, width: int, depth: int, add: int,
) -> int:  # fmt: skip
    """``y = a @ b``, or that added to ``y``.

    Columns of ``b`` are elements side by side and its rows ``b_step`` apart; where ``turned``, the
    other way round.
    """
    if width == 1 and b_step == ELEMENT():
        turned = 1  # one column: it lies along the sum
    if turned and k_step == ELEMENT() and (rows < FEW or width < FEW):
        return dots(a, row_step, b, b_step, y, y_step, ELEMENT(), rows, width, depth, add)
    if width == 1 and row_step == ELEMENT() and y_step == ELEMENT() and rows > 1:
        along = ELEMENT() if turned else b_step
        return multiply(b, 0, along, a, k_step, 0, y, y_step, 1, rows, depth, add)
    if rows == 1 and not turned:
        while width >= WIDE_COLUMNS():
            wide_tile(a, row_step, k_step, b, b_step, y, y_step, depth, WIDE_COLUMNS(),
                      WIDE_COLUMNS(), add)  # fmt: skip
            b += WIDE_BYTES()
            y += WIDE_BYTES()
            width -= WIDE_COLUMNS()
    if not turned and rows >= LARGE_ROWS and width > 2 * COLUMNS() and depth * b_step >= SPREAD:
        return large(a, row_step, k_step, b, b_step, y, y_step, rows, width, depth, add)
    w = panel_space()
    blocks = divided(depth + DEEPEST - 1, DEEPEST)
    deepest = divided(depth + blocks - 1, blocks) if blocks > 1 else depth
    while True:
        deep = depth if depth < deepest else deepest
        panels(a, row_step, k_step, b, b_step, turned, y, y_step, w, rows, width, deep, add)
        a += deep * k_step
        b += deep * (ELEMENT() if turned else b_step)
        depth -= deep
        add = 1
        if depth <= 0:
            return 0


def panels(
    a: int, row_step: int, k_step: int, b: int, b_step: int, turned: int, y: int, y_step: int,
    w: int, rows: int, width: int, depth: int, add: int,
) -> int:  # fmt: skip
    """A product no deeper than a panel."""
    while width > 0:
        columns = COLUMNS() if width > COLUMNS() else width
        if turned:
            pack_turned(b, b_step, w, columns, depth)
            cover(a, row_step, k_step, w, PANEL_BYTES, y, y_step, depth, COLUMNS(), columns, add,
                  rows)  # fmt: skip
            b += COLUMNS() * b_step
        else:
            if rows < TILE_ROWS() + 1:
                cover(a, row_step, k_step, b, b_step, y, y_step, depth, columns, columns, add, rows)
            else:
                j = 0
                while j < columns:
                    offset = j * ELEMENT()
                    packing_tile(a, row_step, k_step, b + offset, b_step, y + offset, y_step, depth,
                                 columns - j, columns - j, add, w + offset)  # fmt: skip
                    j += TILE_COLUMNS()
                cover(a + TILE_ROWS() * row_step, row_step, k_step, w, PANEL_BYTES,
                      y + TILE_ROWS() * y_step, y_step, depth, COLUMNS(), columns, add,
                      rows - TILE_ROWS())  # fmt: skip
            b += PANEL_BYTES
        y += PANEL_BYTES
        width -= COLUMNS()
    return 0


def large(
    a: int, row_step: int, k_step: int, b: int, b_step: int, y: int, y_step: int, rows: int,
    width: int, depth: int, add: int,
) -> int:  # fmt: skip
    """A product whose right operand is packed in groups of panels, so that fewer pages of it are
    met at a time, and each once."""
    w = group_space()
    while depth > 0:
        deep = GROUP_DEEPEST if depth > GROUP_DEEPEST else depth
        j = 0
        while j < width:
            columns = GROUP * COLUMNS() if width - j > GROUP * COLUMNS() else width - j
            pack_group(b + j * ELEMENT(), b_step, w, columns, deep)
            i = 0
            while i < rows:
                some = GROUP_ROWS if rows - i > GROUP_ROWS else rows - i
                p = 0
                while p * COLUMNS() < columns:
                    wide = columns - p * COLUMNS()
                    wide = COLUMNS() if wide > COLUMNS() else wide
                    cover(a + i * row_step, row_step, k_step, w + p * (GROUP_DEEPEST * PANEL_BYTES),
                          PANEL_BYTES, y + i * y_step + (j + p * COLUMNS()) * ELEMENT(), y_step,
                          deep, COLUMNS(), wide, add, some)  # fmt: skip
                    p += 1
                i += some
            j += columns
        a += deep * k_step
        b += deep * b_step
        depth -= deep
        add = 1
    return 0


@Word
def divided(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
    """The quotient of numbers that are not negative."""
    return b.udiv(x, y)
