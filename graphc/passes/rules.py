"""The algebra that *simplify* knows, one row an equation.

Rules for rows: a row must hold for NaN, infinity, signed zero and overflow, or say in its ``when``
where it holds; rows under "numerical stability" may differ from the left side by being nearer to
the exact value; a row makes the graph smaller, cheaper or more canonical, never larger.

Identity elements (``x * 1``), idempotent ops (``max(x, x)``, ``abs(abs(x))``) and ops that change
nothing (a reshape to the same shape) are not written here: they follow from the ops' traits.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import graphc.ops  # noqa: F401  (registers what the rows name)
from graphc.ir import dims
from graphc.ir.dtype import float32
from graphc.ir.graph import Tensor
from graphc.passes.patterns import C, D, Match, Number, Rule, X, Y, Z, check_rule, p

ZERO, ONE = Number(0), Number(1)


def shape_of(tensor: Tensor) -> dims.Shape:
    shape = tensor.type.shape
    assert shape is not None, "passes run on graphs of known ranks"
    return shape


def integral(m: Match) -> bool:
    return m.root.dtype.is_integer


def floating(m: Match) -> bool:
    return m.root.dtype.is_floating


def not_complex(m: Match) -> bool:
    return not m.x.dtype.is_complex


def filled(b: Any, m: Match, value: float | bool) -> Tensor:
    return b.full(m.root.type.shape, value, m.root.dtype)


def zeros(b: Any, m: Match) -> Tensor:
    return filled(b, m, 0)


def wrapped(function: Any, m: Match) -> Any:
    """Integers joined as the op would join them: they wrap."""
    with np.errstate(over="ignore"):
        return function(m.c, m.d)


# --- exact algebra ------------------------------------------------------------------------------

ALGEBRA = (
    Rule("-(-x) == x", p.neg(p.neg(X)), lambda b, m: m.x),
    Rule("x + -y == x - y", p.add(X, p.neg(Y)), lambda b, m: b.sub(m.x, m.y)),
    Rule("x - -y == x + y", p.sub(X, p.neg(Y)), lambda b, m: b.add(m.x, m.y)),
    Rule("-x * -y == x * y", p.mul(p.neg(X), p.neg(Y)), lambda b, m: b.mul(m.x, m.y)),
    Rule("-x / -y == x / y", p.realdiv(p.neg(X), p.neg(Y)), lambda b, m: b.realdiv(m.x, m.y)),
    Rule("-x * c == x * -c", p.mul(p.neg(X), C), lambda b, m: b.mul(m.x, -m.c), when=floating),
    Rule("x * -1 == -x", p.mul(X, Number(-1)), lambda b, m: b.neg(m.x)),
    Rule("x * 0 == 0", p.mul(X, ZERO), zeros, when=integral),  # inf * 0 is nan
    Rule("x - x == 0", p.sub(X, X), zeros, when=integral),  # inf - inf is nan
    Rule("x * x == square(x)", p.mul(X, X), lambda b, m: b.square(m.x)),
    Rule("square(-x) == square(x)", p.square(p.neg(X)), lambda b, m: b.square(m.x)),
    Rule("square(abs(x)) == square(x)", p.square(p.abs(X)), lambda b, m: b.square(m.x),
         when=not_complex),
    Rule("abs(-x) == abs(x)", p.abs(p.neg(X)), lambda b, m: b.abs(m.x)),
    Rule("x**2 == square(x)", p.pow(X, Number(2)), lambda b, m: b.square(m.x)),
    Rule("x**-1 == 1 / x", p.pow(X, Number(-1)), lambda b, m: b.reciprocal(m.x)),
    Rule("1 / x == reciprocal(x)", p.realdiv(ONE, X), lambda b, m: b.reciprocal(m.x)),
    Rule("1 / sqrt(x) == rsqrt(x)", p.reciprocal(p.sqrt(X)), lambda b, m: b.rsqrt(m.x)),
    # A power of two divides exactly, so its inverse multiplies exactly.
    Rule("x / c == x * (1 / c)", p.realdiv(X, C), lambda b, m: b.mul(m.x, 1 / m.c),
         when=lambda m: is_power_of_two(m.c)),
    Rule("(x * c) * d == x * (c * d)", p.mul(p.mul(X, C), D),
         lambda b, m: b.mul(m.x, wrapped(np.multiply, m)), when=integral),
    Rule("(x + c) + d == x + (c + d)", p.add(p.add(X, C), D),
         lambda b, m: b.add(m.x, wrapped(np.add, m)), when=integral),
    Rule("add_n(x) == x", p.add_n(X), lambda b, m: m.x),
    Rule("add_n(x, y) == x + y", p.add_n(X, Y), lambda b, m: b.add(m.x, m.y)),
)  # fmt: skip


def is_power_of_two(c: Any) -> bool:
    """Whether ``c`` and ``1 / c`` are both normal powers of two of their type."""
    if c.dtype.kind != "f" or not np.isfinite(c) or c == 0:
        return False
    mantissa, exponent = math.frexp(float(abs(c)))
    return mantissa == 0.5 and abs(exponent) <= (14 if c.dtype.itemsize == 2 else 125)


# --- selection and logic ------------------------------------------------------------------------

LOGIC = (
    Rule("not not x == x", p.logical_not(p.logical_not(X)), lambda b, m: m.x),
    Rule("where(c, x, x) == x", p.where(Y, X, X), lambda b, m: m.x),
    Rule("where(True, x, y) == x", p.where(Number(True), X, Y), lambda b, m: m.x),
    Rule("where(False, x, y) == y", p.where(Number(False), X, Y), lambda b, m: m.y),
    Rule("where(not c, x, y) == where(c, y, x)", p.where(p.logical_not(X), Y, Z),
         lambda b, m: b.where(m.x, m.z, m.y)),
    Rule("x and False == False", p.logical_and(X, Number(False)), lambda b, m: filled(b, m, False)),
    Rule("x or True == True", p.logical_or(X, Number(True)), lambda b, m: filled(b, m, True)),
)  # fmt: skip


# --- shapes -------------------------------------------------------------------------------------


def composed(m: Match) -> tuple[int, ...]:
    """transpose(transpose(x, q), p)[k] is axis q[p[k]] of x."""
    rank = len(shape_of(m.root))
    outer, inner = m.op(0).permutation(rank), m.op(1).permutation(rank)
    return tuple(inner[k] for k in outer)


def is_lossless(m: Match) -> bool:
    """Whether the first cast of x keeps every value of its dtype (and the second undoes it)."""
    source, middle, back = m.x.dtype, m.nodes[1].outputs[0].dtype, m.root.dtype
    if source is not back:
        return False
    if source.is_floating:
        return middle.is_floating and middle.size > source.size
    if source.is_integer and middle.is_integer:
        return middle.min <= source.min and source.max <= middle.max
    bits = {"float32": 24, "float64": 53}.get(middle.name, 0)
    return source.is_bool or (
        source.is_integer and -(2**bits) <= source.min and source.max <= 2**bits
    )


VIEWS = ("reshape", "expand_dims", "squeeze")


def is_in_order(m: Match) -> bool:
    rank = len(shape_of(m.root))
    return m.op(0).permutation(rank) == tuple(range(rank))


SHAPES = (
    Rule("transpose(x, in order) == x", p.transpose(X), lambda b, m: m.x, when=is_in_order),
    Rule("transpose(transpose(x, q), p) == transpose(x, q[p])", p.transpose(p.transpose(X)),
         lambda b, m: b.transpose(m.x, perm=composed(m))),
    Rule("broadcast(broadcast(x)) == broadcast(x)", p.broadcast_to(p.broadcast_to(X)),
         lambda b, m: b.broadcast_to(m.x, shape=m.root.type.shape)),
    Rule("cast(cast(x)) == x", p.cast(p.cast(X)), lambda b, m: m.x, when=is_lossless),
    *(
        Rule(f"{outer}({inner}(x)) == reshape(x)", getattr(p, outer)(getattr(p, inner)(X)),
             lambda b, m: b.reshape(m.x, shape=m.root.type.shape))
        for outer in VIEWS for inner in VIEWS
    ),
)  # fmt: skip


# --- reductions and contractions ----------------------------------------------------------------


def reduces_only_what_was_stretched(m: Match) -> bool:
    """Whether every reduced axis is one that the broadcast made."""
    return m.root.dtype.size > 2 and not set(m.op(0).axes(m.nodes[1].outputs[0].type)) & kept_axes(
        m
    )


def kept_axes(m: Match) -> set[int]:
    """The axes of the broadcast that are axes of x."""
    wide, narrow = shape_of(m.nodes[1].outputs[0]), shape_of(m.x)
    skipped = len(wide) - len(narrow)
    return {skipped + k for k, d in enumerate(narrow) if d != 1 or wide[skipped + k] == 1}


def times_count(b: Any, m: Match) -> Tensor:
    wide = shape_of(m.nodes[1].outputs[0])
    axes = m.op(0).axes(m.nodes[1].outputs[0].type)
    count = dims.product(wide[k] for k in axes)
    scaled = b.mul(m.x, b.dim_value(dim=count, dtype=m.root.dtype))
    narrow = (1,) * (len(wide) - len(shape_of(m.x))) + shape_of(m.x)
    kept = tuple(d for k, d in enumerate(narrow) if m.op(0).keepdims or k not in axes)
    return b.reshape(scaled, shape=kept)


def swaps_last_two(k: int) -> Any:
    def holds(m: Match) -> bool:
        rank = len(shape_of(m.nodes[k].outputs[0]))
        last = (rank - 1, rank - 2)
        return rank >= 2 and m.op(k).permutation(rank) == (*range(rank - 2), *last)

    return holds


def flipped(b: Any, m: Match, x: Tensor, y: Tensor, side: str) -> Tensor:
    op = m.op(0)
    return b.apply(type(op), (x, y), {**dict(op.values()), side: not getattr(op, side)})


def of_16_bits(m: Match) -> bool:
    return m.root.dtype.is_floating and m.root.dtype.size == 2


def widened(b: Any, m: Match) -> Tensor:
    x, y = (b.cast(t, dtype=float32) for t in (m.x, m.y))
    return b.cast(b.matmul(x, y, **dict(m.op(0).values())), dtype=m.root.dtype)


FOLDS = (
    # Both add up in float32 and round once; only float32 and float64 have vector code.
    Rule("16-bit matmul(x, y) == cast(matmul(cast(x), cast(y)))", p.matmul(X, Y), widened,
         when=of_16_bits),
    # One rounding in place of many, and -0 where the sum of -0 is 0.
    Rule("sum(broadcast(x)) == x * count", p.reduce_sum(p.broadcast_to(X)), times_count,
         when=reduces_only_what_was_stretched),
    Rule("matmul(transpose(a), b) == matmul(a, b, transpose_a)", p.matmul(p.transpose(X), Y),
         lambda b, m: flipped(b, m, m.x, m.y, "transpose_a"), when=swaps_last_two(1)),
    Rule("matmul(a, transpose(b)) == matmul(a, b, transpose_b)", p.matmul(X, p.transpose(Y)),
         lambda b, m: flipped(b, m, m.x, m.y, "transpose_b"), when=swaps_last_two(1)),
)  # fmt: skip


# --- numerical stability ------------------------------------------------------------------------

STABILITY = (
    Rule("log(softmax(x)) == log_softmax(x)", p.log(p.softmax(X)),  # softmax underflows to 0
         lambda b, m: b.log_softmax(m.x, axis=m.op(1).axis)),
    Rule("log(sigmoid(x)) == log_sigmoid(x)", p.log(p.sigmoid(X)), lambda b, m: b.log_sigmoid(m.x),
         when=not_complex),
    # in float32 1 - sigmoid(x) is 0 from x = 17.4 on
    Rule("log(1 - sigmoid(x)) == log_sigmoid(-x)", p.log(p.sub(ONE, p.sigmoid(X))),
         lambda b, m: b.log_sigmoid(b.neg(m.x)), when=not_complex),
    Rule("log(1 + x) == log1p(x)", p.log(p.add(X, ONE)), lambda b, m: b.log1p(m.x)),
    Rule("log1p(exp(x)) == softplus(x)", p.log1p(p.exp(X)), lambda b, m: b.softplus(m.x),
         when=not_complex),
    Rule("exp(x) - 1 == expm1(x)", p.sub(p.exp(X), ONE), lambda b, m: b.expm1(m.x)),
    Rule("exp(x) + -1 == expm1(x)", p.add(p.exp(X), Number(-1)), lambda b, m: b.expm1(m.x)),
    # nan for -inf, where the power is inf: a square root says so for every negative number
    Rule("x**0.5 == sqrt(x)", p.pow(X, Number(0.5)), lambda b, m: b.sqrt(m.x)),
)  # fmt: skip

RULES: tuple[Rule, ...] = ALGEBRA + LOGIC + SHAPES + FOLDS + STABILITY

for _rule in RULES:
    check_rule(_rule)
