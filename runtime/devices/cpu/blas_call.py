"""The word ``blas_multiply`` as LLVM IR.

BLAS keeps matrices by columns: ``y = a @ b`` by rows is ``y.T = b.T @ a.T`` by columns, so the
operands change places and nothing is transposed.  Its numbers are 32 bits; a product with a larger
one is computed by a plain loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llvmlite import ir

from runtime.devices.cpu import refs
from runtime.devices.cpu.refs import I8, I32, I64

LARGEST = 2**31 - 1
ARGUMENTS = 13


def emit_call(
    b: ir.IRBuilder, values: tuple[Any, ...], prefix: str, functions: Mapping[str, str]
) -> None:
    """``y[i0:i1, j0:j1] = a @ b``; ``ta`` and ``tb`` are 1 where an operand lies transposed."""
    a, right, y, ta, tb, i0, i1, j0, j1, depth = values
    dtype = y.ref.dtype
    rows, columns = b.sub(i1, i0), b.sub(j1, j0)
    steps = [_at_least_one(b, operand.strides[0]) for operand in (a, right, y)]
    fits: ir.Value = ir.Constant(ir.IntType(1), 1)
    for number in (rows, columns, depth, *steps):
        fits = b.and_(fits, b.icmp_signed("<=", number, I64(LARGEST)))
    left_is_turned, right_is_turned = (b.icmp_signed("!=", t, I64(0)) for t in (ta, tb))
    work = b.and_(b.icmp_signed(">", rows, I64(0)), b.icmp_signed(">", columns, I64(0)))
    with b.if_then(work), b.if_else(fits, likely=True) as (small, large):
        with small:
            first_row = b.select(left_is_turned, i0, b.mul(i0, a.strides[0]))
            first_column = b.select(right_is_turned, b.mul(j0, right.strides[0]), j0)
            target = b.add(b.mul(i0, y.strides[0]), j0)
            kind = refs.VALUES[dtype]
            one, zero = ir.Constant(kind, 1.0), ir.Constant(kind, 0.0)
            places = [
                _slot(b, _letter(b, right_is_turned)),
                _slot(b, _letter(b, left_is_turned)),
                *(_slot(b, b.trunc(n, I32)) for n in (columns, rows, depth)),
                _slot(b, one),
                b.gep(right.base, [first_column]),
                _slot(b, b.trunc(steps[1], I32)),
                b.gep(a.base, [first_row]),
                _slot(b, b.trunc(steps[0], I32)),
                _slot(b, zero),
                b.gep(y.base, [target]),
                _slot(b, b.trunc(steps[2], I32)),
            ]
            bytes_ = I8.as_pointer()
            name = prefix + functions[dtype]
            found = b.module.globals.get(name) or ir.Function(
                b.module, ir.FunctionType(ir.VoidType(), [bytes_] * ARGUMENTS), name
            )
            b.call(found, [b.bitcast(place, bytes_) for place in places])
        with large:
            _plain(b, values, left_is_turned, right_is_turned)


def _at_least_one(b: ir.IRBuilder, stride: ir.Value) -> ir.Value:
    """BLAS refuses a step of 0, which an operand without columns has."""
    return b.select(b.icmp_signed(">", stride, I64(1)), stride, I64(1))


def _letter(b: ir.IRBuilder, turned: ir.Value) -> ir.Value:
    return b.select(turned, I8(ord("T")), I8(ord("N")))


def _slot(b: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """A place that holds the value: BLAS takes addresses."""
    with b.goto_entry_block():  # a slot made in a loop would eat the stack
        slot = b.alloca(value.type)
    b.store(value, slot)
    return slot


def _plain(
    b: ir.IRBuilder, values: tuple[Any, ...], left_is_turned: ir.Value, right_is_turned: ir.Value
) -> None:
    a, right, y, _, _, i0, i1, j0, j1, depth = values
    kind = refs.VALUES[y.ref.dtype]
    with b.goto_entry_block():
        total = b.alloca(kind)

    def element(address: refs.Address, turned: ir.Value, row: ir.Value, column: ir.Value) -> Any:
        first, second = b.select(turned, column, row), b.select(turned, row, column)
        return refs.load(b, address, (first, second))

    def at(i: ir.Value) -> None:
        def along(j: ir.Value) -> None:
            def step(k: ir.Value) -> None:
                left = element(a, left_is_turned, i, k)
                product = b.fmul(left, element(right, right_is_turned, k, j))
                b.store(b.fadd(b.load(total), product), total)

            b.store(ir.Constant(kind, 0.0), total)
            _loop(b, I64(0), depth, step)
            refs.store(b, y, (i, j), b.load(total))

        _loop(b, j0, j1, along)

    _loop(b, i0, i1, at)


def _loop(
    b: ir.IRBuilder, start: ir.Value, stop: ir.Value, body: Callable[[ir.Value], None]
) -> None:
    before = b.block
    test, inside, after = (b.append_basic_block(f"plain_{n}") for n in ("test", "body", "done"))
    b.branch(test)
    b.position_at_end(test)
    k = b.phi(I64)
    k.add_incoming(start, before)
    b.cbranch(b.icmp_signed("<", k, stop), inside, after)
    b.position_at_end(inside)
    body(k)
    k.add_incoming(b.add(k, I64(1)), b.block)
    b.branch(test)
    b.position_at_end(after)
