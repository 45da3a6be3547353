"""Sums along two axes of a small square, a vector of neighbours at once: the words of
:mod:`graphc.codegen.transforms`.

A function per matrix, with no loop but that over vectors: factors of 0 read nothing, factors of 1
multiply nothing.  What is left over at the end is one masked vector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from llvmlite import ir

from graphc.codegen.transforms import TRANSFORM_WORDS, Matrix
from runtime.devices.cpu import llvm_target, refs, tiles
from runtime.devices.cpu.refs import I32, I64
from runtime.devices.cpu.words import Word

NUMBERS = 7  # of a word, behind its two operands

Load = Callable[[ir.Value], ir.Value]
Store = Callable[[ir.Value, ir.Value], None]


def _function(module: ir.Module, name: str, dtype: str) -> ir.Function:
    """``transform(x, y, row, column, y_row, y_column, n)``, all in elements."""
    symbol = f"{name}_{dtype}"
    if symbol in module.globals:
        return module.globals[symbol]
    kind = tiles.lanes_of(dtype)
    pointer = kind.element.as_pointer()
    takes = [pointer, pointer, *[I64] * 5]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), takes), symbol)
    function.linkage = "internal"
    function.attributes.add("noinline")
    llvm_target.set_attributes(function, llvm_target.host())
    for position in (0, 1):
        function.args[position].add_attribute("noalias")
    _emit_body(function, kind, TRANSFORM_WORDS[name][0])
    return function


def _emit_body(function: ir.Function, kind: Any, matrix: Matrix) -> None:
    b = ir.IRBuilder(function.append_basic_block("entry"))
    x, y, row, column, y_row, y_column, n = function.args
    masked = tiles.Masked(function.module, kind)
    lanes = I64(kind.lanes)

    def vector(base: ir.Value, k: ir.Value, i: int, j: int, steps: tuple) -> ir.Value:
        offset = b.add(k, b.add(b.mul(steps[0], I64(i)), b.mul(steps[1], I64(j))))
        return b.bitcast(b.gep(base, [offset]), kind.vector.as_pointer())

    def squares(k: ir.Value, load: Load, store: Store) -> None:
        width = range(len(matrix[0]))
        for i, across in enumerate(matrix):
            sums = []
            for s in width:
                seen = [
                    load(vector(x, k, r, s, (row, column))) if factor else None
                    for r, factor in enumerate(across)
                ]
                sums.append(_combined(b, kind, across, seen))
            for j, along in enumerate(matrix):
                place = vector(y, k, i, j, (y_row, y_column))
                store(_combined(b, kind, along, sums), place)

    whole = b.sdiv(n, lanes)

    def plain(k: ir.Value) -> None:
        squares(
            b.mul(k, lanes),
            lambda place: b.load(place, align=kind.bytes),
            lambda value, place: b.store(value, place, align=kind.bytes),
        )

    tiles.counted(b, whole, "vectors", plain)
    begin = b.mul(whole, lanes)
    with b.if_then(b.icmp_signed("<", begin, n)):
        numbers = ir.Constant(ir.VectorType(I32, kind.lanes), list(range(kind.lanes)))
        rest = tiles.splat(b, b.trunc(b.sub(n, begin), I32), kind.lanes)
        mask = b.icmp_signed("<", numbers, rest)
        squares(
            begin,
            lambda place: masked.load(b, place, mask),
            lambda value, place: masked.store(b, value, place, mask),
        )
    b.ret_void()


def _combined(
    b: ir.IRBuilder, kind: Any, factors: Sequence[float], values: Sequence[Any]
) -> ir.Value:
    """The sum of values with factors; positive ones first, so that none is negated."""
    terms = [(f, v) for f, v in zip(factors, values, strict=True) if f]
    terms.sort(key=lambda term: term[0] < 0)
    total = None
    for factor, value in terms:
        part = value
        if abs(factor) != 1:
            size = ir.Constant(kind.vector, [abs(factor)] * kind.lanes)
            part = b.fmul(value, size, flags=("contract", "nsz"))
        if total is None:
            total = part if factor > 0 else b.fneg(part)
        elif factor > 0:
            total = b.fadd(total, part, flags=("contract", "nsz"))
        else:
            total = b.fsub(total, part, flags=("contract", "nsz"))
    return total


def _emitter(name: str) -> Any:
    def emit(b: ir.IRBuilder, _: Any, values: tuple[Any, ...]) -> None:
        x, y, e, to, *steps = values
        function = _function(b.module, name, y.ref.dtype)
        b.call(function, [b.gep(x.base, [e]), b.gep(y.base, [to]), *steps])

    return emit


def _rule(dtypes: tuple[Any, ...]) -> None:
    operands, numbers = dtypes[:2], dtypes[2:]
    if len(numbers) != NUMBERS or any(n != "int64" for n in numbers):
        raise TypeError(f"takes 2 operands and {NUMBERS} int64, got {dtypes}")
    kinds = {o.dtype for o in operands if isinstance(o, refs.Ref)}
    if len(kinds) != 1 or not kinds <= {"float32", "float64"}:
        raise TypeError("takes operands of one dtype, float32 or float64")


@cache
def transform_words() -> dict[str, Word]:
    """The words of :mod:`graphc.codegen.transforms`."""
    return {name: Word(name, _rule, _emitter(name)) for name in TRANSFORM_WORDS}
