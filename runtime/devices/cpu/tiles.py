"""Register tiles: pieces of a matrix product with all their sums in registers, as LLVM IR.

An *outer* tile makes ``rows`` x ``vectors`` of the result: each step of the sum loads vectors of
the right operand once and multiplies them with one broadcast element per row.  The left operand is
read in place through two steps (so a transposed one costs nothing), the right one as rows of
vectors with any step between them.  Columns beyond the edge are masked.  A tile that *packs* copies
what it reads of the right operand on the way, so that the tiles below it find it dense.

A *dot* tile makes ``rows`` x ``columns`` of the result where both operands lie along the sum: each
step multiplies vectors of both, and a sum across lanes ends it.

The scheme is that of Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication"
(2008).  Steps are in bytes, and addresses are int64: the functions belong to the int64 world of
:mod:`runtime.devices.cpu.multiply`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import chain

from llvmlite import ir

from graphc.codegen.panels import PANEL_BYTES
from runtime.devices.cpu import llvm_target
from runtime.devices.cpu.refs import BYTES, F32, F64, I1, I32, I64, VALUES

BYTE = ir.IntType(8)
POINTER = BYTE.as_pointer()
AHEAD = 16  # rows of the right operand that a tile asks for before it needs them
WIDE = 8  # vectors of the tile of one row: their sums hide the time one multiplication takes
TRIPLE = 3  # rows of the left operand reached from one pointer: an address has at most 2 steps


@dataclass(frozen=True)
class Shape:
    """How tiles are laid out on a machine.

    ``rows`` are heights of tiles of ``vectors`` vectors, highest first and 1 last.
    """

    vector_bytes: int
    vectors: int
    rows: tuple[int, ...]


@cache
def tile_shape(machine: llvm_target.Machine) -> Shape:
    """32 registers of 64 bytes hold 12 rows of 2 vectors; 16 of 32 bytes, 6 rows of 2."""
    if machine.has_avx512:
        return Shape(64, 2, (12, 8, 4, 2, 1))
    if "+avx2" in machine.features.split(","):
        return Shape(32, 2, (6, 4, 2, 1))
    return Shape(16, 2, (6, 4, 2, 1))


@dataclass(frozen=True)
class Lanes:
    """One dtype's vectors on this machine."""

    dtype: str
    element: ir.Type
    bytes: int
    lanes: int
    vectors: int  # of a panel

    @property
    def vector(self) -> ir.VectorType:
        return ir.VectorType(self.element, self.lanes)

    @property
    def vector_bytes(self) -> int:
        return self.lanes * self.bytes

    @property
    def floating(self) -> bool:
        return self.element in (F32, F64)

    @property
    def scalar_suffix(self) -> str:
        return f"f{self.bytes * 8}" if self.floating else f"i{self.bytes * 8}"

    @property
    def suffix(self) -> str:
        return f"v{self.lanes}{self.scalar_suffix}"

    @property
    def zero(self) -> ir.Constant:
        return ir.Constant(self.vector, [self.element(0)] * self.lanes)


@cache
def lanes_of(dtype: str) -> Lanes:
    size, width = BYTES[dtype], tile_shape(llvm_target.host()).vector_bytes
    return Lanes(dtype, VALUES[dtype], size, width // size, PANEL_BYTES // width)


def tile_text(family: str, dtype: str, n: int | None) -> str:
    """What a report says of a family's tiles, for a result of ``n`` columns (None: not known)."""
    kind, shape = lanes_of(dtype), tile_shape(llvm_target.host())
    if family == "dot":
        return f"dot 4 x 4 vectors of {kind.lanes}"
    if family in ("gathered", "winograd"):
        from runtime.devices.cpu.gathered import tile_rows

        return f"{family} {tile_rows()[0]} x {kind.vectors} vectors of {kind.lanes}"
    if family == "channels":
        return f"along channels, vectors of {kind.lanes}"
    if family == "row":
        return f"row 1 x 8 vectors of {kind.lanes}"
    if family == "dots":
        return f"{family} 4 x 4 sums of vectors of {kind.lanes}"
    vectors = 1 if n is not None and n <= kind.lanes else shape.vectors
    return f"{family} {shape.rows[0]} x {vectors} vectors of {kind.lanes}"


# --- vectors --------------------------------------------------------------------------------------


def declared(module: ir.Module, name: str, result: ir.Type, *takes: ir.Type) -> ir.Function:
    found = module.globals.get(name)
    return found or ir.Function(module, ir.FunctionType(result, takes), name)


def splat(b: ir.IRBuilder, value: ir.Value, lanes: int) -> ir.Value:
    kind = ir.VectorType(value.type, lanes)
    first = b.insert_element(ir.Constant(kind, ir.Undefined), value, I32(0))
    zeros = ir.Constant(ir.VectorType(I32, lanes), [0] * lanes)
    return b.shuffle_vector(first, ir.Constant(kind, ir.Undefined), zeros)


def masks_of(
    b: ir.IRBuilder, kind: Lanes, width: ir.Value, vectors: int | None = None
) -> list[ir.Value]:
    """Per vector (of the panel), which lanes are inside ``width`` columns."""
    lanes = ir.Constant(ir.VectorType(I64, kind.lanes), list(range(kind.lanes)))
    return [
        b.icmp_signed("<", lanes, splat(b, b.sub(width, I64(v * kind.lanes)), kind.lanes))
        for v in range(kind.vectors if vectors is None else vectors)
    ]


class Masked:
    """Masked vector loads and stores of one dtype; without a mask, plain ones."""

    def __init__(self, module: ir.Module, kind: Lanes) -> None:
        mask, vector = ir.VectorType(I1, kind.lanes), kind.vector
        pointer = vector.as_pointer()
        load, store = (f"llvm.masked.{what}.{kind.suffix}.p0" for what in ("load", "store"))
        self.kind = kind
        self.load_function = declared(module, load, vector, pointer, I32, mask, vector)
        self.store_function = declared(module, store, ir.VoidType(), vector, pointer, I32, mask)

    def load(self, b: ir.IRBuilder, pointer: ir.Value, mask: ir.Value | None) -> ir.Value:
        if mask is None:
            return b.load(pointer, align=self.kind.bytes)
        return b.call(self.load_function, [pointer, I32(self.kind.bytes), mask, self.kind.zero])

    def store(
        self, b: ir.IRBuilder, value: ir.Value, pointer: ir.Value, mask: ir.Value | None
    ) -> None:
        if mask is None:
            b.store(value, pointer, align=self.kind.bytes)
        else:
            b.call(self.store_function, [value, pointer, I32(self.kind.bytes), mask])


def counted(b: ir.IRBuilder, count: ir.Value, name: str, body: Callable[[ir.Value], None]) -> None:
    """``for k in range(count): body(k)``."""
    before = b.block
    test, inside, after = (b.append_basic_block(f"{name}_{n}") for n in ("test", "body", "done"))
    b.branch(test)
    b.position_at_end(test)
    k = b.phi(I64)
    k.add_incoming(I64(0), before)
    b.cbranch(b.icmp_signed("<", k, count), inside, after)
    b.position_at_end(inside)
    body(k)
    k.add_incoming(b.add(k, I64(1)), b.block)
    b.branch(test)
    b.position_at_end(after)


# --- tiles ----------------------------------------------------------------------------------------


def _function(module: ir.Module, name: str, numbers: int) -> ir.Function:
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [I64] * numbers), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    llvm_target.set_attributes(function, llvm_target.host())
    return function


def outer_tile(module: ir.Module, dtype: str, rows: int, vectors: int, packs: bool) -> ir.Function:
    """``tile(a, row_step, k_step, p, p_step, y, y_step, depth, loaded, stored, add, w)``.

    ``y`` is ``a @ p``, or that added to what is there where ``add`` is not 0.  ``loaded`` columns
    may be read of ``p``, ``stored`` are written.  One that ``packs`` copies the rows of ``p`` to
    panel ``w``, zeros where columns may not be read.
    """
    name = f"tile_{dtype}_{rows}x{vectors}" + "_packing" * packs
    if name in module.globals:
        return module.globals[name]
    function = _function(module, name, 12)
    _Outer(function, lanes_of(dtype), rows, vectors, packs).emit()
    return function


def dot_tile(module: ir.Module, dtype: str, rows: int, columns: int) -> ir.Function:
    """``tile(a, row_step, b, column_step, y, y_row, y_column, depth, add)``."""
    name = f"tile_{dtype}_{rows}x{columns}_dots"
    if name in module.globals:
        return module.globals[name]
    function = _function(module, name, 9)
    _Dots(function, lanes_of(dtype), rows, columns).emit()
    return function


class _Tile:
    """What the bodies of tiles share: vectors of one dtype, and a loop that carries values."""

    def __init__(self, function: ir.Function, kind: Lanes) -> None:
        self.function = function
        self.module = function.module
        self.kind = kind
        self.b = ir.IRBuilder(function.append_basic_block("entry"))
        self.masked = Masked(self.module, kind)

    def pointer(self, address: ir.Value, offset: ir.Value | int, kind: ir.Type) -> ir.Value:
        """``address`` is a byte pointer; the place ``offset`` bytes behind it."""
        b = self.b
        place = b.gep(address, [I64(offset) if isinstance(offset, int) else offset])
        return b.bitcast(place, kind.as_pointer())

    def vectors_at(self, address: ir.Value, masks: list) -> list[ir.Value]:
        kind = self.kind
        return [
            self.masked.load(self.b, self.pointer(address, v * kind.vector_bytes, kind.vector), m)
            for v, m in enumerate(masks)
        ]

    def multiply_add(self, x: ir.Value, y: ir.Value, total: ir.Value) -> ir.Value:
        kind = self.kind
        if not kind.floating:
            return self.b.add(self.b.mul(x, y), total)
        fused = declared(
            self.module, f"llvm.fmuladd.{kind.suffix}", kind.vector, *[kind.vector] * 3
        )
        return self.b.call(fused, [x, y, total])

    def plus(self, x: ir.Value, y: ir.Value) -> ir.Value:
        return self.b.fadd(x, y) if self.kind.floating else self.b.add(x, y)

    def repeated(
        self, count: ir.Value, start: list[ir.Value], step: Callable[[list], list]
    ) -> list[ir.Value]:
        """``count`` times ``values = step(values)``, from ``start`` on; the last values."""
        b, before = self.b, self.b.block
        loop, after = b.append_basic_block("step"), b.append_basic_block("after")
        b.cbranch(b.icmp_signed(">", count, I64(0)), loop, after)
        b.position_at_end(loop)
        left = b.phi(I64)
        carried = [b.phi(value.type) for value in start]
        later = step(carried)
        fewer = b.sub(left, I64(1))
        for phi, first, last in zip(
            (left, *carried), (count, *start), (fewer, *later), strict=True
        ):
            phi.add_incoming(first, before)
            phi.add_incoming(last, b.block)
        end = b.block
        b.cbranch(b.icmp_signed(">", fewer, I64(0)), loop, after)
        b.position_at_end(after)
        finals = []
        for first, last in zip(start, later, strict=True):
            final = b.phi(first.type)
            final.add_incoming(first, before)
            final.add_incoming(last, end)
            finals.append(final)
        return finals


class _Outer(_Tile):
    def __init__(
        self, function: ir.Function, kind: Lanes, rows: int, vectors: int, packs: bool
    ) -> None:
        super().__init__(function, kind)
        self.rows, self.vectors, self.packs = rows, vectors, packs
        (
            self.a, self.row_step, self.k_step, self.p, self.p_step, self.y, self.y_step,
            self.depth, self.loaded, self.stored, self.add, self.w,
        ) = function.args  # fmt: skip

    def emit(self) -> None:
        b, kind = self.b, self.kind
        whole = I64(self.vectors * kind.lanes)
        if llvm_target.host().has_avx512:  # masks cost nothing
            masks = masks_of(b, kind, self.loaded, self.vectors)
            sums = self._sums(masks)
        else:
            with b.if_else(b.icmp_signed(">=", self.loaded, whole)) as (full, part):
                with full:
                    first, first_end = self._sums([None] * self.vectors), b.block
                with part:
                    masks = masks_of(b, kind, self.loaded, self.vectors)
                    second, second_end = self._sums(masks), b.block
            sums = []
            for one, other in zip(first, second, strict=True):
                sums.append(b.phi(kind.vector))
                sums[-1].add_incoming(one, first_end)
                sums[-1].add_incoming(other, second_end)
        self._store(sums)
        b.ret_void()

    def _sums(self, masks: list) -> list[ir.Value]:
        b = self.b
        steps = [b.mul(self.row_step, I64(TRIPLE * g)) for g in range(-(-self.rows // TRIPLE))]
        lefts = [b.inttoptr(b.add(self.a, step), POINTER) for step in steps]
        pointers = [*lefts, b.inttoptr(self.p, POINTER), b.inttoptr(self.w, POINTER)]
        zeros = [self.kind.zero] * (self.rows * self.vectors)
        twice = b.mul(self.row_step, I64(2))
        ahead = b.mul(self.p_step, I64(AHEAD))

        def step(values: list) -> list:
            *left, right, w = values[: len(pointers)]
            vectors = self.vectors_at(right, masks)
            if self.packs:
                self._pack(vectors, w)
            if self.vectors < WIDE:  # the rows of a wide tile are long: the processor sees ahead
                self._ask_for(b.gep(right, [ahead]))
            rows = [
                b.gep(left[r // TRIPLE], [(None, self.row_step, twice)[r % TRIPLE]])
                if r % TRIPLE
                else left[r // TRIPLE]
                for r in range(self.rows)
            ]
            later = [b.gep(pointer, [self.k_step]) for pointer in left]
            later += [b.gep(right, [self.p_step]), b.gep(w, [I64(PANEL_BYTES)])]
            return later + self._multiplied(rows, vectors, values[len(pointers) :])

        return self.repeated(self.depth, [*pointers, *zeros], step)[len(pointers) :]

    def _pack(self, vectors: list[ir.Value], w: ir.Value) -> None:
        kind = self.kind
        for v, vector in enumerate(vectors):
            place = self.pointer(w, v * kind.vector_bytes, kind.vector)
            self.b.store(vector, place, align=kind.bytes)

    def _ask_for(self, row: ir.Value) -> None:
        b = self.b
        fetch = declared(self.module, "llvm.prefetch.p0", ir.VoidType(), POINTER, I32, I32, I32)
        for line in range(0, self.vectors * self.kind.vector_bytes, 64):
            b.call(fetch, [b.gep(row, [I64(line)]), I32(0), I32(3), I32(1)])

    def _multiplied(
        self, rows: list[ir.Value], vectors: list[ir.Value], sums: list[ir.Value]
    ) -> list[ir.Value]:
        b, kind = self.b, self.kind
        after = []
        for r, row in enumerate(rows):
            element = b.load(b.bitcast(row, kind.element.as_pointer()), align=kind.bytes)
            factor = splat(b, element, kind.lanes)
            for v, vector in enumerate(vectors):
                after.append(self.multiply_add(factor, vector, sums[r * len(vectors) + v]))
        return after

    def _store(self, sums: list[ir.Value]) -> None:
        b, kind = self.b, self.kind
        masks = masks_of(b, kind, self.stored, self.vectors)
        rows = [
            b.inttoptr(b.add(self.y, b.mul(self.y_step, I64(r))), POINTER) for r in range(self.rows)
        ]
        before = b.block
        with b.if_then(b.icmp_signed("!=", self.add, I64(0))):
            present = chain.from_iterable(self.vectors_at(row, masks) for row in rows)
            added = [self.plus(*pair) for pair in zip(present, sums, strict=True)]
            inside = b.block
        for position, (total, plain) in enumerate(zip(added, sums, strict=True)):
            final = b.phi(kind.vector)
            final.add_incoming(plain, before)
            final.add_incoming(total, inside)
            added[position] = final
        for position, final in enumerate(added):
            r, v = divmod(position, self.vectors)
            place = self.pointer(rows[r], v * kind.vector_bytes, kind.vector)
            self.masked.store(b, final, place, masks[v])


class _Dots(_Tile):
    def __init__(self, function: ir.Function, kind: Lanes, rows: int, columns: int) -> None:
        super().__init__(function, kind)
        self.rows, self.columns = rows, columns

    def emit(self) -> None:
        b, kind = self.b, self.kind
        a, row_step, right, column_step, y, y_row, y_column, depth, add = self.function.args
        pointers = [
            b.inttoptr(b.add(base, b.mul(step, I64(k))), POINTER)
            for base, step, count in ((a, row_step, self.rows), (right, column_step, self.columns))
            for k in range(count)
        ]
        zeros = [kind.zero] * (self.rows * self.columns)
        whole = b.sdiv(depth, I64(kind.lanes))

        def step(values: list) -> list:
            at, *sums = values
            return [b.add(at, I64(kind.vector_bytes)), *self._step(pointers, at, None, sums)]

        at, *sums = self.repeated(whole, [I64(0), *zeros], step)
        (mask,) = masks_of(b, kind, b.sub(depth, b.mul(whole, I64(kind.lanes))), 1)
        sums = self._step(pointers, at, mask, sums)
        for position, vector in enumerate(sums):
            r, c = divmod(position, self.columns)
            place = b.add(y, b.add(b.mul(y_row, I64(r)), b.mul(y_column, I64(c))))
            target = b.inttoptr(place, kind.element.as_pointer())
            self._store(self._across(vector), target, add)
        b.ret_void()

    def _step(
        self, pointers: list[ir.Value], at: ir.Value, mask: ir.Value | None, sums: list[ir.Value]
    ) -> list[ir.Value]:
        b, kind = self.b, self.kind
        found = [
            self.masked.load(b, self.pointer(pointer, at, kind.vector), mask)
            for pointer in pointers
        ]
        lefts, rights = found[: self.rows], found[self.rows :]
        pairs = [(left, right) for left in lefts for right in rights]
        return [self.multiply_add(*pair, s) for pair, s in zip(pairs, sums, strict=True)]

    def _across(self, vector: ir.Value) -> ir.Value:
        """The sum of a vector's lanes."""
        b, kind = self.b, self.kind
        if kind.floating:
            name = f"llvm.vector.reduce.fadd.{kind.suffix}"
            add = declared(self.module, name, kind.element, kind.element, kind.vector)
            return b.call(add, [kind.element(-0.0), vector], fastmath=("reassoc",))
        name = f"llvm.vector.reduce.add.{kind.suffix}"
        return b.call(declared(self.module, name, kind.element, kind.vector), [vector])

    def _store(self, total: ir.Value, target: ir.Value, add: ir.Value) -> None:
        b, kind = self.b, self.kind
        before = b.block
        with b.if_then(b.icmp_signed("!=", add, I64(0))):
            added = self.plus(b.load(target, align=kind.bytes), total)
            inside = b.block
        final = b.phi(kind.element)
        final.add_incoming(total, before)
        final.add_incoming(added, inside)
        b.store(final, target, align=kind.bytes)
