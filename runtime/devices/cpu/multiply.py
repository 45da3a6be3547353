"""Matrix products of any size from register tiles, in the int64 subset of Python.

One library of machine code per dtype, compiled once per machine and called by every kernel that
multiplies: a kernel's own code is its loops alone.  ``multiply`` goes through the right operand
panel by panel, as deep as a panel stays in the nearest cache, and covers the rows with tiles.  It
packs a panel where several tiles read it, on the stack of the thread; the first tile does the
copying on its way.  The left operand is read where it lies, except where its rows would drive each
other out of the nearest cache: then strips of it are copied, and each meets several panels.
Products with few rows or columns that lie along the sum take dot products.

Addresses and steps are in bytes.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from graphc.codegen.panels import PANEL_BYTES
from runtime.devices.cpu import int64, llvm_target, tiles
from runtime.devices.cpu.int64 import Word
from runtime.devices.cpu.packing import copy_run, pack_columns
from runtime.devices.cpu.refs import I64
from runtime.devices.cpu.tile_library import PREFIX
from runtime.devices.cpu.tiles import BYTE, POINTER, WIDE, lanes_of, tile_shape

DEEPEST = 2048  # rows of a packed panel; 256 KB on the stack
SPARE = 64  # rows behind them that packing may write
PANEL_SPACE = (DEEPEST + SPARE) * PANEL_BYTES  # bytes
SUMMED = 512  # products a tile sums before it adds them to the result: sums of sums lose less
CROWDED = 4096  # bytes: rows that lie a multiple of it apart share one set of the nearest cache,
WAYS = 8  # which has room for so many of them
STRIP_STEP = SUMMED * 8 + 64  # bytes between the rows of a copied strip, which share none
GROUP = DEEPEST // SUMMED  # panels that a copied strip meets
NARROW = 4  # columns below which a panel is laid along the sum
FEW = 12  # rows or columns below which operands that lie along the sum are not packed


def library(dtype: str, machine: llvm_target.Machine) -> ir.Module:
    """The module that defines ``graphc_multiply_DTYPE``; the others are its own."""
    module = llvm_target.new_module(f"tiles of {dtype}", machine)
    module.graphc_lanes = lanes_of(dtype)
    int64.emit(
        module,
        {
            PREFIX + dtype: multiply,
            "panels": panels,
            "strips": strips,
            "pack_beside": pack_beside,
            "lay_along": lay_along,
            "dots": dots,
        },
    )
    for function in module.functions:
        if not function.is_declaration:
            llvm_target.set_attributes(function, machine)
            if function.name != PREFIX + dtype:
                function.linkage = "internal"
    return module


def copies_strips() -> bool:
    """Whether the tiles of this machine have more rows than a set of its cache."""
    return tile_shape(llvm_target.host()).rows[0] > WAYS


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
def strip_space(b: ir.IRBuilder) -> ir.Value:
    """A strip's room on the stack of the thread."""
    rows = tile_shape(llvm_target.host()).rows[0]
    with b.goto_entry_block():
        room = b.alloca(ir.ArrayType(BYTE, rows * STRIP_STEP))
    room.align = 64
    return b.ptrtoint(room, I64)


@Word
def copy_row(b: ir.IRBuilder, source: ir.Value, target: ir.Value, count: ir.Value) -> None:
    here, there = b.inttoptr(source, POINTER), b.inttoptr(target, POINTER)
    copy_run(b, b.module.graphc_lanes, here, there, I64(0), count, count)


@Word
def pack_turned(b: ir.IRBuilder, *numbers: ir.Value) -> None:
    pack_columns(b, b.module.graphc_lanes, *numbers)


@Word
def copy_element(b: ir.IRBuilder, source: ir.Value, target: ir.Value) -> None:
    kind = b.module.graphc_lanes
    element = kind.element.as_pointer()
    value = b.load(b.inttoptr(source, element), align=kind.bytes)
    b.store(value, b.inttoptr(target, element), align=kind.bytes)


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
    some_sums = b.sdiv(b.add(depth, I64(SUMMED - 1)), I64(SUMMED))
    sums = b.select(b.icmp_signed(">", depth, I64(0)), some_sums, I64(1))
    parts = b.sdiv(b.add(stored, I64(columns - 1)), I64(columns))

    def part(number: ir.Value) -> None:
        first = b.mul(number, I64(columns))
        offset = b.mul(first, I64(kind.bytes))
        panel, target = b.add(p, offset), b.add(y, offset)
        readable, width = b.sub(loaded, first), b.sub(stored, first)

        def call(height: int, vectors: int, i: ir.Value) -> None:
            tile = tiles.outer_tile(b.module, kind.dtype, height, vectors, False)
            left, made = b.add(a, b.mul(i, row_step)), b.add(target, b.mul(i, y_step))

            def some(number: ir.Value) -> None:
                k = b.mul(number, I64(SUMMED))
                later = b.zext(b.icmp_signed(">", number, I64(0)), I64)
                rest = b.sub(depth, k)
                deep = b.select(b.icmp_signed("<", rest, I64(SUMMED)), rest, I64(SUMMED))
                b.call(tile, [
                    b.add(left, b.mul(k, k_step)), row_step, k_step,
                    b.add(panel, b.mul(k, p_step)), p_step, made, y_step, deep, readable, width,
                    b.or_(add, later), I64(0),
                ])  # fmt: skip

            tiles.counted(b, sums, "sum", some)

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
            k = 0
            while k == 0 or k < depth:
                deep = SUMMED if depth - k > SUMMED else depth - k
                wide_tile(a + k * k_step, row_step, k_step, b + k * b_step, b_step, y, y_step, deep,
                          WIDE_COLUMNS(), WIDE_COLUMNS(), add or k > 0)  # fmt: skip
                k += SUMMED
            b += WIDE_BYTES()
            y += WIDE_BYTES()
            width -= WIDE_COLUMNS()
    w = panel_space()
    if (
        TILE_ROWS() > WAYS
        and k_step == ELEMENT()
        and row_step & (CROWDED - 1) == 0
        and (rows >= 2 * TILE_ROWS() and width > COLUMNS() and depth > 0)
    ):
        s = strip_space()
        while depth > 0:
            deep = SUMMED if depth > SUMMED else depth
            strips(a, row_step, b, b_step, turned, y, y_step, w, s, rows, width, deep, add)
            a += deep * k_step
            b += deep * (ELEMENT() if turned else b_step)
            depth -= deep
            add = 1
        return 0
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
        if columns < NARROW and k_step == ELEMENT() and rows >= 2 * TILE_ROWS():
            if turned:
                dots(a, row_step, b, b_step, y, y_step, ELEMENT(), rows, columns, depth, add)
            else:
                lay_along(b, b_step, w, columns, depth)
                dots(a, row_step, w, DEEPEST * ELEMENT(), y, y_step, ELEMENT(), rows, columns,
                     depth, add)  # fmt: skip
        elif turned:
            pack_turned(b, b_step, w, columns, depth)
            cover(a, row_step, k_step, w, PANEL_BYTES, y, y_step, depth, COLUMNS(), columns, add,
                  rows)  # fmt: skip
            b += COLUMNS() * b_step
        else:
            if rows < 2 * TILE_ROWS():
                cover(a, row_step, k_step, b, b_step, y, y_step, depth, columns, columns, add, rows)
            else:
                pack_beside(a, row_step, k_step, b, b_step, y, y_step, w, columns, depth, add)
                cover(a + TILE_ROWS() * row_step, row_step, k_step, w, PANEL_BYTES,
                      y + TILE_ROWS() * y_step, y_step, depth, COLUMNS(), columns, add,
                      rows - TILE_ROWS())  # fmt: skip
            b += PANEL_BYTES
        y += PANEL_BYTES
        width -= COLUMNS()
    return 0


def strips(
    a: int, row_step: int, b: int, b_step: int, turned: int, y: int, y_step: int, w: int, s: int,
    rows: int, width: int, depth: int, add: int,
) -> int:  # fmt: skip
    """A product no deeper than a tile sums, of a left operand whose rows drive each other out of
    the nearest cache: as many of them as a tile has are copied, and meet several panels."""
    while width > 0:
        columns = GROUP * COLUMNS() if width > GROUP * COLUMNS() else width
        j = 0
        p = w
        while j < columns:
            some = COLUMNS() if columns - j > COLUMNS() else columns - j
            if turned:
                pack_turned(b + j * b_step, b_step, p, some, depth)
            else:
                pack_beside(a, row_step, ELEMENT(), b + j * ELEMENT(), b_step, y + j * ELEMENT(),
                            y_step, p, some, depth, add)  # fmt: skip
            p += depth * PANEL_BYTES
            j += COLUMNS()
        i = 0 if turned else TILE_ROWS()
        while i < rows:
            high = TILE_ROWS() if rows - i > TILE_ROWS() else rows - i
            r = 0
            while r < high:
                copy_row(a + (i + r) * row_step, s + r * STRIP_STEP, depth)
                r += 1
            j = 0
            p = w
            while j < columns:
                some = COLUMNS() if columns - j > COLUMNS() else columns - j
                cover(s, STRIP_STEP, ELEMENT(), p, PANEL_BYTES, y + i * y_step + j * ELEMENT(),
                      y_step, depth, COLUMNS(), some, add, high)  # fmt: skip
                p += depth * PANEL_BYTES
                j += COLUMNS()
            i += TILE_ROWS()
        b += columns * (b_step if turned else ELEMENT())
        y += columns * ELEMENT()
        width -= columns
    return 0


def lay_along(b: int, b_step: int, w: int, columns: int, depth: int) -> int:
    """Copy columns so that they lie along the sum."""
    while columns > 0:
        k = 0
        while k < depth:
            copy_element(b + k * b_step, w + k * ELEMENT())
            k += 1
        b += ELEMENT()
        w += DEEPEST * ELEMENT()
        columns -= 1
    return 0


def pack_beside(
    a: int, row_step: int, k_step: int, b: int, b_step: int, y: int, y_step: int, w: int,
    columns: int, depth: int, add: int,
) -> int:  # fmt: skip
    """The first rows of a panel's product, and the panel's copy."""
    while columns > 0:
        k = 0
        while k == 0 or k < depth:
            deep = SUMMED if depth - k > SUMMED else depth - k
            packing_tile(a + k * k_step, row_step, k_step, b + k * b_step, b_step, y, y_step, deep,
                         columns, columns, add or k > 0, w + k * PANEL_BYTES)  # fmt: skip
            k += SUMMED
        b += TILE_BYTES()
        y += TILE_BYTES()
        w += TILE_BYTES()
        columns -= TILE_COLUMNS()
    return 0


@Word
def divided(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
    """The quotient of numbers that are not negative."""
    return b.udiv(x, y)
