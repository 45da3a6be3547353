"""Kernels of running folds: ``y[k]`` combines ``x[0] .. x[k]`` along one axis.

An operand is seen as ``[outer, n, inner]``.  Where ``inner`` is more than 1, the innermost loop
runs along it and vectorises: each step reads the row of ``y`` before it.  A single long row is
serial, with an accumulator in a register; so are storage types, which accumulate in float32.
Chunks are of ``outer``, or of ``inner`` where ``outer`` is 1: no chunk needs another's result.
"""

from __future__ import annotations

from graphc.codegen.kernel import Constant, Kernel, Operand
from graphc.ir import dims
from graphc.ir.graph import Node
from graphc.lowering.nest import Lowered, Use

NANOSECONDS = 1.0  # per element of a serial row: the latency of one operation
LANES = 0.2  # per element where lanes run along the rows


def lower_scan(
    node: Node, axis: int, word: str, initial: float, exclusive: bool, reverse: bool, weight: float
) -> Lowered:
    """``y[k] = word(y[k - 1], x[k])`` along ``axis``, from ``initial``; ``exclusive`` leaves out
    ``x[k]`` itself, ``reverse`` starts at the end.  ``weight`` is the word's cost beside an add.
    """
    (x,), (y,) = node.operands, node.outputs
    shape = y.type.dims
    outer, n = dims.product(shape[:axis]), shape[axis]
    inner = dims.product(shape[axis + 1 :])
    lanes = inner != 1 and y.dtype.computed is y.dtype
    columns = outer == 1
    text = _text(word, exclusive, reverse, lanes, columns)
    dtype = str(y.dtype)
    start = float(initial) if y.dtype.is_floating else int(initial)
    kernel = Kernel(
        "scan",
        text,
        (Operand("x", dtype, 3), Operand("y", dtype, 3, "rw" if lanes else "w")),
        tuple(
            Constant(name, str(y.dtype.computed), value)
            for name, value in (("c0", start), ("c1", type(start)(0)))
        ),
        ("n", "inner"),
    )
    whole = (outer, n, inner)
    uses = [Use(x, "x", whole, dtype, "r"), Use(y, "y", whole, dtype, "rw" if lanes else "w")]
    extent, each = (inner, n) if columns else (outer, n * inner)
    cost = weight * (LANES if lanes else NANOSECONDS)
    return Lowered(kernel, uses, [n, inner], extent, each, cost)


def _text(word: str, exclusive: bool, reverse: bool, lanes: bool, columns: bool) -> str:
    body = _lanes(word, exclusive) if lanes else _serial(word, exclusive)
    place = "n - 1 - k" if reverse else "k"
    before = "n - k" if reverse else "k - 1"
    body = [line.format(at=place, before=before) for line in body]
    if columns:
        span = "range(start, stop)"
        lines = ["i = 0", *body]
    else:
        span = "range(inner)"
        lines = ["for i in range(start, stop):", *("    " + line for line in body)]
    head = [
        f"# y[k] = {word}(y[k - 1], x[{'k - 1' if exclusive else 'k'}])"
        + (", from the end" if reverse else ""),
        "def scan(args, start, stop):",
        "    x, y = views(args, 2)",
        "    n, inner = sizes(args, 2)",
    ]
    body = ["    " + line.replace("ALONG", span) for line in lines]
    return "\n".join([*head, *body, "    return 0"]) + "\n"


def _step(word: str, target: str, held: str, value: str) -> list[str]:
    """``target = word(held, value)``, spelt out where the vocabulary has no such word."""
    if word != "logaddexp":
        return [f"{target} = {word}({held}, {value})"]
    return [
        f"a = {held}",
        f"v = {value}",
        "m = maximum(a, v)",
        "d = where(eq(a, v), c1, minimum(a, v) - m)",  # of two infinities the difference is NaN
        f"{target} = m + log1p(exp(d))",
    ]


def _lanes(word: str, exclusive: bool) -> list[str]:
    at, before = "y[i, {at}, j]", "y[i, {before}, j]"
    first = [f"{at} = c0"] if exclusive else _step(word, at, "c0", "x[i, {at}, j]")
    added = "x[i, {before}, j]" if exclusive else "x[i, {at}, j]"
    return [
        "for k in range(minimum(n, 1)):",
        "    for j in ALONG:",
        *(f"        {line}" for line in first),
        "for k in range(1, n):",
        "    for j in ALONG:",
        *(f"        {line}" for line in _step(word, at, before, added)),
    ]


def _serial(word: str, exclusive: bool) -> list[str]:
    step = _step(word, "t", "t", "x[i, {at}, j]")
    store = "y[i, {at}, j] = t"
    return [
        "for j in ALONG:",
        "    t = c0",
        "    for k in range(n):",
        *(f"        {line}" for line in ([store, *step] if exclusive else [*step, store])),
    ]
