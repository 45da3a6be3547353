"""The words of :mod:`graphc.codegen.panels` as LLVM IR: calls of the library of tiles."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from llvmlite import ir

from graphc.codegen.panels import PANEL_WORDS
from runtime.devices.cpu import packing, refs
from runtime.devices.cpu.refs import I64
from runtime.devices.cpu.tile_library import DTYPES, symbol_of
from runtime.devices.cpu.tiles import POINTER, declared, lanes_of
from runtime.devices.cpu.words import Word

MULTIPLY_NUMBERS = 12


def _place(b: ir.IRBuilder, address: refs.Address, row: ir.Value, column: ir.Value) -> ir.Value:
    """The address of ``address[row, column]``, a number."""
    index = b.add(b.mul(row, address.strides[0]), column)
    return b.ptrtoint(b.gep(address.base, [index]), I64)


def _call(b: ir.IRBuilder, dtype: str, *numbers: ir.Value) -> None:
    function = declared(b.module, symbol_of(dtype), I64, *[I64] * MULTIPLY_NUMBERS)
    b.call(function, numbers)


def _emit_multiply(b: ir.IRBuilder, _: Any, values: tuple[Any, ...]) -> None:
    a, right, y, ta, tb, i0, i1, j0, j1, depth = values
    left = _left(b, a, ta, i0)
    lead = _lead(b, right)
    first = b.select(b.icmp_signed("!=", tb, I64(0)), b.mul(j0, right.strides[0]), j0)
    panel = b.ptrtoint(b.gep(right.base, [first]), I64)
    rows, width = b.sub(i1, i0), b.sub(j1, j0)
    _call(b, y.ref.dtype, *left, panel, lead, tb, _place(b, y, i0, j0), _lead(b, y), rows, width,
          depth, I64(0))  # fmt: skip


def _emit_block(b: ir.IRBuilder, _: Any, values: tuple[Any, ...]) -> None:
    a, right, y, ta, add, rows, above, at, first, j0, j1, depth = values
    left = _left(b, a, ta, above)
    panel = _place(b, right, first, j0)
    _call(b, y.ref.dtype, *left, panel, _lead(b, right), I64(0), _place(b, y, at, j0), _lead(b, y),
          rows, b.sub(j1, j0), depth, add)  # fmt: skip


def _left(
    b: ir.IRBuilder, a: refs.Address, ta: ir.Value, row: ir.Value
) -> tuple[ir.Value, ir.Value, ir.Value]:
    """Where row ``row`` of the left operand is, and the steps to the next row and column."""
    size, lead = I64(refs.BYTES[a.ref.dtype]), _lead(b, a)
    turned = b.icmp_signed("!=", ta, I64(0))
    row_step, k_step = b.select(turned, size, lead), b.select(turned, lead, size)
    base = b.ptrtoint(a.base, I64)
    return b.add(base, b.mul(row, row_step)), row_step, k_step


def _lead(b: ir.IRBuilder, address: refs.Address) -> ir.Value:
    return b.mul(address.strides[0], I64(refs.BYTES[address.ref.dtype]))


def _emit_run(b: ir.IRBuilder, _: Any, values: tuple[Any, ...]) -> None:
    x, y, e, to, lo, hi, run = values
    source, target = (
        b.bitcast(b.gep(operand.base, [at]), POINTER) for operand, at in ((x, e), (y, to))
    )
    packing.copy_run(b, lanes_of(y.ref.dtype), source, target, lo, hi, run)


@cache
def panel_words() -> dict[str, Word]:
    """The words of :mod:`graphc.codegen.panels`."""
    emitters = {"multiply": _emit_multiply, "multiply_block": _emit_block, "pack_run": _emit_run}

    def rule_of(name: str) -> Any:
        count, views, _ = PANEL_WORDS[name]

        def rule(dtypes: tuple[Any, ...]) -> None:
            operands, numbers = dtypes[:views], dtypes[views:]
            if len(dtypes) != count or any(n != "int64" for n in numbers):
                raise TypeError(f"takes {views} operands and {count - views} int64, got {dtypes}")
            kinds = {getattr(o, "dtype", None) for o in operands}
            if len(kinds) != 1 or not kinds <= set(DTYPES):
                raise TypeError(f"takes operands of one dtype, one of {', '.join(DTYPES)}")

        return rule

    found = {name: Word(name, rule_of(name), emit) for name, emit in emitters.items()}
    moved = Word("moved", _moved_rule, _emit_moved)
    return {**found, "moved": moved, "part": Word("part", _part_rule, _emit_part)}


def _moved_rule(dtypes: tuple[Any, ...]) -> refs.Ref:
    operand, *numbers = dtypes
    if not isinstance(operand, refs.Ref) or operand.rank != 2 or numbers != ["int64", "int64"]:
        raise TypeError(f"takes an operand of rank 2 and two int64, got {dtypes}")
    return operand


def _emit_moved(b: ir.IRBuilder, _: Any, values: tuple[Any, ...]) -> refs.Address:
    address, i, j = values
    before = b.neg(b.add(b.mul(i, address.strides[0]), j))
    return refs.Address(address.ref, b.gep(address.base, [before]), address.strides)


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
