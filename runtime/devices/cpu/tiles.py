"""Matrix products on the CPU: register tiles, written as LLVM IR functions of the kernel's module.

A tile computes ``rows x panel`` of the result with all its accumulators in registers: each step of
the sum loads the panel's vectors once and multiplies them with one broadcast element per row.  The
left operand is read in place through two strides (so a transposed one costs nothing); the panel is
a row-major block with any row stride, packed or in place.  Columns beyond the edge are masked; rows
beyond the last whole tile use shorter tiles.  The scheme is that of Goto and van de Geijn, "Anatomy
of High-Performance Matrix Multiplication" (2008), without its outer blocking.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from typing import Any

from llvmlite import ir

from graphc.codegen.panels import PANEL_BYTES, PANEL_WORDS
from runtime.devices.cpu import llvm_target, refs
from runtime.devices.cpu.refs import F32, F64, I1, I32, I64
from runtime.devices.cpu.words import Word

BYTE = ir.IntType(8)
POINTER = BYTE.as_pointer()


@dataclass(frozen=True)
class Shape:
    """How tiles are laid out on a machine: bytes of a vector, and row counts, longest first."""

    vector_bytes: int
    rows: tuple[int, ...]


@cache
def tile_shape(machine: llvm_target.Machine) -> Shape:
    """32 registers of 64 bytes hold 12 rows of 2 vectors; 16 of 32 bytes, 3 rows of 4."""
    features = machine.features.split(",")
    if machine.has_avx512:
        return Shape(64, (12, 4, 1))
    if "+avx2" in features and "+fma" in features:
        return Shape(32, (3, 1))
    return Shape(16, (3, 1))


@dataclass(frozen=True)
class _Lanes:
    """One dtype's vectors on this machine."""

    element: ir.Type
    bytes: int
    lanes: int
    vectors: int  # of a panel

    @property
    def vector(self) -> ir.VectorType:
        return ir.VectorType(self.element, self.lanes)

    @property
    def suffix(self) -> str:
        return f"v{self.lanes}{'f32' if self.element is F32 else 'f64'}"


def lanes_of(dtype: str) -> _Lanes:
    element, size = {"float32": (F32, 4), "float64": (F64, 8)}[dtype]
    width = tile_shape(llvm_target.host()).vector_bytes
    return _Lanes(element, size, width // size, PANEL_BYTES // width)


def tile_text(family: str, dtype: str, n: int | None) -> str:
    """What a report says of a family's tiles, for a result of ``n`` columns (None: not known)."""
    kind = lanes_of(dtype)
    rows = tile_shape(llvm_target.host()).rows[0]
    return f"{family} {rows} x {kind.vectors} vectors of {kind.lanes}"


def declared(module: ir.Module, name: str, result: ir.Type, *takes: ir.Type) -> ir.Function:
    found = module.globals.get(name)
    return found or ir.Function(module, ir.FunctionType(result, takes), name)


def splat(b: ir.IRBuilder, value: ir.Value, lanes: int) -> ir.Value:
    kind = ir.VectorType(value.type, lanes)
    first = b.insert_element(ir.Constant(kind, ir.Undefined), value, I32(0))
    zeros = ir.Constant(ir.VectorType(I32, lanes), [0] * lanes)
    return b.shuffle_vector(first, ir.Constant(kind, ir.Undefined), zeros)


def masks_of(b: ir.IRBuilder, kind: _Lanes, width: ir.Value) -> list[ir.Value]:
    """Per vector of the panel, which lanes are inside ``width`` columns."""
    lanes = ir.Constant(ir.VectorType(I64, kind.lanes), list(range(kind.lanes)))
    return [
        b.icmp_signed("<", lanes, splat(b, b.sub(width, I64(v * kind.lanes)), kind.lanes))
        for v in range(kind.vectors)
    ]


def _at(b: ir.IRBuilder, base: ir.Value, offset: ir.Value, kind: ir.Type) -> ir.Value:
    return b.bitcast(b.gep(base, [offset]), kind.as_pointer())


class Masked:
    """Masked vector loads and stores of one dtype."""

    def __init__(self, module: ir.Module, kind: _Lanes) -> None:
        mask, vector = ir.VectorType(I1, kind.lanes), kind.vector
        pointer = vector.as_pointer()
        load, store = (f"llvm.masked.{what}.{kind.suffix}.p0" for what in ("load", "store"))
        self.kind = kind
        self.load_function = declared(module, load, vector, pointer, I32, mask, vector)
        self.store_function = declared(module, store, ir.VoidType(), vector, pointer, I32, mask)

    def load(self, b: ir.IRBuilder, pointer: ir.Value, mask: ir.Value) -> ir.Value:
        zero = ir.Constant(self.kind.vector, [0.0] * self.kind.lanes)
        return b.call(self.load_function, [pointer, I32(self.kind.bytes), mask, zero])

    def store(self, b: ir.IRBuilder, value: ir.Value, pointer: ir.Value, mask: ir.Value) -> None:
        b.call(self.store_function, [value, pointer, I32(self.kind.bytes), mask])


def tile_function(module: ir.Module, dtype: str, rows: int, adds: bool = False) -> ir.Function:
    """``tile(a, row_step, k_step, p, p_step, y, y_step, depth, width)``; steps are in bytes.

    One that ``adds`` takes one number more, 1 where the sums start at what is in ``y``.
    """
    name = f"tile_{dtype}_{rows}" + "_adding" * adds
    if name in module.globals:
        return module.globals[name]
    kind = lanes_of(dtype)
    takes = [POINTER, I64, I64, POINTER, I64, POINTER, I64, I64, I64, *[I64] * adds]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), takes), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    llvm_target.set_attributes(function, llvm_target.host())
    for position in (0, 3, 5):
        function.args[position].add_attribute("noalias")
    _TileBody(function, kind, rows).emit()
    return function


class _TileBody:
    def __init__(self, function: ir.Function, kind: _Lanes, rows: int) -> None:
        self.function = function
        self.kind = kind
        self.rows = rows
        self.b = ir.IRBuilder(function.append_basic_block("entry"))
        self.masked = Masked(function.module, kind)
        self.fma = declared(
            function.module, f"llvm.fma.{kind.suffix}", kind.vector, *[kind.vector] * 3
        )

    def emit(self) -> None:
        b, kind = self.b, self.kind
        a, row_step, k_step, p, p_step, y, y_step, depth, width, *add = self.function.args
        masks = masks_of(b, kind, width)
        initial = self._initial(y, y_step, masks, *add)
        entry = b.block
        loop, done = (b.append_basic_block(n) for n in ("step", "done"))
        b.cbranch(b.icmp_signed(">", depth, I64(0)), loop, done)
        b.position_at_end(loop)
        k, left, panel = b.phi(I64), b.phi(POINTER), b.phi(POINTER)
        sums = [[b.phi(kind.vector) for _ in masks] for _ in range(self.rows)]
        vectors = [
            self.masked.load(b, _at(b, panel, I64(v * kind.lanes * kind.bytes), kind.vector), mask)
            for v, mask in enumerate(masks)
        ]
        after = self._multiplied(left, row_step, vectors, sums)
        following = b.add(k, I64(1))
        triples = [
            t for row in zip(sums, initial, after, strict=True) for t in zip(*row, strict=True)
        ]
        for phi, first, later in (
            (k, I64(0), following),
            (left, a, b.gep(left, [k_step])),
            (panel, p, b.gep(panel, [p_step])),
            *triples,
        ):
            phi.add_incoming(first, entry)
            phi.add_incoming(later, loop)
        b.cbranch(b.icmp_signed("<", following, depth), loop, done)
        b.position_at_end(done)
        self._stored(y, y_step, after, masks, entry, loop, initial)
        b.ret_void()

    def _initial(
        self, y: ir.Value, y_step: ir.Value, masks: list, add: ir.Value | None = None
    ) -> list[list[ir.Value]]:
        """What the sums start at: 0, or the result so far."""
        b, kind = self.b, self.kind
        if add is None:
            zero = ir.Constant(kind.vector, [0.0] * kind.lanes)
            return [[zero] * len(masks) for _ in range(self.rows)]
        adding = splat(b, b.icmp_signed("!=", add, I64(0)), kind.lanes)
        masks = [b.and_(mask, adding) for mask in masks]
        rows = []
        for r in range(self.rows):
            row = b.gep(y, [b.mul(y_step, I64(r))])
            places = (
                _at(b, row, I64(v * kind.lanes * kind.bytes), kind.vector)
                for v in range(len(masks))
            )
            rows.append([self.masked.load(b, *pair) for pair in zip(places, masks, strict=True)])
        return rows

    def _multiplied(
        self, left: ir.Value, row_step: ir.Value, vectors: list, sums: list
    ) -> list[list[ir.Value]]:
        b, kind = self.b, self.kind
        after = []
        row = left
        for r in range(self.rows):
            if r:
                row = b.gep(row, [row_step])
            element = b.load(b.bitcast(row, kind.element.as_pointer()), align=kind.bytes)
            factor = splat(b, element, kind.lanes)
            pairs = zip(vectors, sums[r], strict=True)
            after.append([b.call(self.fma, [factor, v, s]) for v, s in pairs])
        return after

    def _stored(
        self,
        y: ir.Value,
        y_step: ir.Value,
        after: list,
        masks: list,
        entry: ir.Block,
        loop: ir.Block,
        initial: list[list[ir.Value]],
    ) -> None:
        b, kind = self.b, self.kind
        finals = []
        ends = (zip(*rows, strict=True) for rows in zip(initial, after, strict=True))
        for start, new in chain.from_iterable(ends):
            final = b.phi(kind.vector)
            final.add_incoming(start, entry)
            final.add_incoming(new, loop)
            finals.append(final)
        row = y
        for r in range(self.rows):
            if r:
                row = b.gep(row, [y_step])
            for v, mask in enumerate(masks):
                place = _at(b, row, I64(v * kind.lanes * kind.bytes), kind.vector)
                self.masked.store(b, finals[r * len(masks) + v], place, mask)


# --- words --------------------------------------------------------------------------------------


def _bytes_at(
    b: ir.IRBuilder, address: refs.Address, *offset: tuple[ir.Value, ir.Value | None]
) -> ir.Value:
    """The address of an element as a byte pointer; ``offset`` pairs are (index, stride or None)."""
    total: ir.Value = I64(0)
    for index, stride in offset:
        total = b.add(total, index if stride is None else b.mul(index, stride))
    return b.bitcast(b.gep(address.base, [total]), POINTER)


def _step(b: ir.IRBuilder, address: refs.Address, stride: ir.Value | None) -> ir.Value:
    size = I64(refs.BYTES[address.ref.dtype])
    return size if stride is None else b.mul(stride, size)


def _rows_loop(
    b: ir.IRBuilder, dtype: str, i0: ir.Value, i1: ir.Value, call: Any, adds: bool = False
) -> None:
    """Cover rows [i0, i1) with whole tiles, then with shorter and shorter ones."""
    start = i0
    for rows in tile_shape(llvm_target.host()).rows:
        tile = tile_function(b.module, dtype, rows, adds)
        before = b.block
        test, body, after = (b.append_basic_block(f"{n}_{rows}") for n in ("test", "tiles", "rest"))
        b.branch(test)
        b.position_at_end(test)
        i = b.phi(I64)
        i.add_incoming(start, before)
        following = b.add(i, I64(rows))
        b.cbranch(b.icmp_signed("<=", following, i1), body, after)
        b.position_at_end(body)
        call(tile, i)
        i.add_incoming(following, b.block)
        b.branch(test)
        b.position_at_end(after)
        start = i


def _emit_multiply(packed: bool) -> Any:
    def emit(b: ir.IRBuilder, _: Any, values: tuple[Any, ...]) -> None:
        a, panel, y, *rest = values
        slot = rest.pop(0) if packed else None
        ta, i0, i1, j0, j1, depth = rest
        width = b.sub(j1, j0)
        if packed:
            p = _bytes_at(b, panel, (slot, panel.strides[0]))
            p_step = _step(b, panel, panel.strides[1])
        else:
            p, p_step = _bytes_at(b, panel, (j0, None)), _step(b, panel, panel.strides[0])
        transposed = b.icmp_signed("!=", ta, I64(0))
        row_stride = b.select(transposed, I64(1), a.strides[0])
        k_stride = b.select(transposed, a.strides[0], I64(1))
        row_step, k_step, y_step = (
            _step(b, a, row_stride), _step(b, a, k_stride), _step(b, y, y.strides[0]),
        )  # fmt: skip

        def call(tile: ir.Function, i: ir.Value) -> None:
            left = _bytes_at(b, a, (i, row_stride))
            target = _bytes_at(b, y, (i, y.strides[0]), (j0, None))
            b.call(tile, [left, row_step, k_step, p, p_step, target, y_step, depth, width])

        _rows_loop(b, y.ref.dtype, i0, i1, call)

    return emit


def _emit_block(b: ir.IRBuilder, _: Any, values: tuple[Any, ...]) -> None:
    a, right, y, ta, add, rows, above, at, first, j0, j1, depth = values
    width = b.sub(j1, j0)
    p_step, y_step = _step(b, right, right.strides[0]), _step(b, y, y.strides[0])
    p = _bytes_at(b, right, (first, right.strides[0]), (j0, None))
    transposed = b.icmp_signed("!=", ta, I64(0))
    row_stride = b.select(transposed, I64(1), a.strides[0])
    row_step = _step(b, a, row_stride)
    k_step = _step(b, a, b.select(transposed, a.strides[0], I64(1)))

    def call(tile: ir.Function, i: ir.Value) -> None:
        left = _bytes_at(b, a, (b.add(above, i), row_stride))
        target = _bytes_at(b, y, (b.add(at, i), y.strides[0]), (j0, None))
        b.call(tile, [left, row_step, k_step, p, p_step, target, y_step, depth, width, add])

    _rows_loop(b, y.ref.dtype, I64(0), rows, call, adds=True)


def _emit_run(b: ir.IRBuilder, _: Any, values: tuple[Any, ...]) -> None:
    """A vector at a time, masked where a part is outside: short runs are one load, one store."""
    x, y, e, to, lo, hi, run = values
    kind = lanes_of(y.ref.dtype)
    masked = Masked(b.module, kind)
    source, target = _bytes_at(b, x, (e, None)), _bytes_at(b, y, (to, None))
    lanes = ir.Constant(ir.VectorType(I32, kind.lanes), list(range(kind.lanes)))
    vectors = b.sdiv(b.add(run, I64(kind.lanes - 1)), I64(kind.lanes))
    whole = b.and_(b.icmp_signed("<=", lo, I64(0)), b.icmp_signed(">=", hi, run))
    plain = b.select(whole, b.sdiv(run, I64(kind.lanes)), I64(0))

    def copied(k: ir.Value) -> None:
        offset = b.mul(k, I64(kind.lanes * kind.bytes))
        value = b.load(_at(b, source, offset, kind.vector), align=kind.bytes)
        b.store(value, _at(b, target, offset, kind.vector), align=kind.bytes)

    def below(bound: ir.Value, begin: ir.Value) -> ir.Value:
        left = b.trunc(b.sub(bound, begin), I32)
        return b.icmp_signed("<", lanes, splat(b, left, kind.lanes))

    def vector(k: ir.Value) -> None:
        begin = b.mul(b.add(plain, k), I64(kind.lanes))
        offset = b.mul(begin, I64(kind.bytes))
        inside = b.and_(below(hi, begin), b.not_(below(lo, begin)))
        value = masked.load(b, _at(b, source, offset, kind.vector), inside)
        masked.store(b, value, _at(b, target, offset, kind.vector), below(run, begin))

    counted(b, plain, "whole", copied)
    counted(b, b.sub(vectors, plain), "run", vector)


def counted(b: ir.IRBuilder, count: ir.Value, name: str, body: Any) -> None:
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


def _emit_pack(b: ir.IRBuilder, _: Any, values: tuple[Any, ...]) -> None:
    source, w, slot, tb, j0, j1, depth = values
    kind = lanes_of(w.ref.dtype)
    width = b.sub(j1, j0)
    target = _bytes_at(b, w, (slot, w.strides[0]))
    target_step = _step(b, w, w.strides[1])
    with b.if_else(b.icmp_signed("!=", tb, I64(0))) as (transposed, straight):
        with transposed:
            _pack_columns(b, kind, source, target, target_step, j0, width, depth)
        with straight:
            _pack_rows(b, kind, source, target, target_step, j0, width, depth)


def _pack_rows(
    b: ir.IRBuilder, kind: _Lanes, source: refs.Address, target: ir.Value, target_step: ir.Value,
    j0: ir.Value, width: ir.Value, depth: ir.Value,
) -> None:  # fmt: skip
    """Copy columns j0 .. j0 + width of ``source``, row by row."""
    masked, masks = Masked(b.module, kind), masks_of(b, kind, width)
    first = _bytes_at(b, source, (j0, None))
    step = _step(b, source, source.strides[0])

    def row(k: ir.Value) -> None:
        read, write = b.gep(first, [b.mul(k, step)]), b.gep(target, [b.mul(k, target_step)])
        for v, mask in enumerate(masks):
            offset = I64(v * kind.lanes * kind.bytes)
            value = masked.load(b, _at(b, read, offset, kind.vector), mask)
            masked.store(b, value, _at(b, write, offset, kind.vector), mask)

    counted(b, depth, "pack", row)


def _pack_columns(
    b: ir.IRBuilder, kind: _Lanes, source: refs.Address, target: ir.Value, target_step: ir.Value,
    j0: ir.Value, width: ir.Value, depth: ir.Value,
) -> None:  # fmt: skip
    """Copy rows j0 .. j0 + width of ``source`` into the columns of the panel."""
    lead = source.strides[0]
    element = kind.element.as_pointer()
    size = I64(kind.bytes)

    def column(c: ir.Value) -> None:
        read = b.bitcast(_bytes_at(b, source, (b.add(j0, c), lead)), element)
        write = b.gep(target, [b.mul(c, size)])

        def one(k: ir.Value) -> None:
            value = b.load(b.gep(read, [k]), align=kind.bytes)
            place = b.bitcast(b.gep(write, [b.mul(k, target_step)]), element)
            b.store(value, place, align=kind.bytes)

        counted(b, depth, "element", one)

    counted(b, width, "column", column)


@cache
def panel_words() -> dict[str, Word]:
    """The words of :mod:`graphc.codegen.panels`."""
    emitters = {
        "multiply_panel": _emit_multiply(packed=False),
        "multiply_packed": _emit_multiply(packed=True),
        "pack_panel": _emit_pack,
        "multiply_block": _emit_block,
        "pack_run": _emit_run,
    }

    def rule_of(name: str) -> Any:
        count, views, _ = PANEL_WORDS[name]

        def rule(dtypes: tuple[Any, ...]) -> None:
            operands, numbers = dtypes[:views], dtypes[views:]
            if len(dtypes) != count or any(n != "int64" for n in numbers):
                raise TypeError(f"takes {views} operands and {count - views} int64, got {dtypes}")
            kinds = {getattr(o, "dtype", None) for o in operands}
            if len(kinds) != 1 or not kinds <= {"float32", "float64"}:
                raise TypeError("takes operands of one dtype, float32 or float64")

        return rule

    found = {name: Word(name, rule_of(name), emit) for name, emit in emitters.items()}
    return {**found, "part": Word("part", _part_rule, _emit_part)}


def _part_rule(dtypes: tuple[Any, ...]) -> refs.Ref:
    operand, at = dtypes
    if not isinstance(operand, refs.Ref) or operand.rank < 2 or at != "int64":
        raise TypeError(f"takes an operand of rank 2 or more and an int64, got {dtypes}")
    return replace(operand, rank=operand.rank - 1)


def _emit_part(b: ir.IRBuilder, _: Any, values: tuple[Any, ...]) -> refs.Address:
    address, at = values
    ref = replace(address.ref, rank=address.ref.rank - 1)
    base = b.gep(address.base, [b.mul(at, address.strides[0])])
    return refs.Address(ref, base, address.strides[1:])
