"""Kernels that put rows into what an output takes over from an operand (``Op.over``).

The first output is the first operand's memory, in which the places alone are touched; all places
are looked at before anything is written.  Chunks share out the columns.
"""

from __future__ import annotations

from graphc.codegen.kernel import Constant, Kernel, Operand
from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.graph import Node
from graphc.lowering.nest import Lowered, Use

NANOSECONDS = 0.3  # per element stored

_PUT = """\
# y[places[k], j] {sign} u[k, j], in the order of k
def put_rows_{how}(args, start, stop):
    places, u, y = views(args, 3)
    count, rows = sizes(args, 2)
    bad = c0
    for k in range(count):
        bad = bad | bit(out_of_range(to_int64(places[k]), rows), 0)
    if bad == 0:
        for k in range(count):
            i = to_int64(places[k])
            for j in range(start, stop):
                y[i, j] = {value}
    return bad
"""
_HOW = {"set": ("=", "u[k, j]"), "add": ("+=", "add(y[i, j], u[k, j])")}

_FILL = """\
# y[places[k], j] = u[k, j] where marks[places[k]] is 0, which becomes 1
def fill_rows(args, start, stop):
    places, u, y, marks = views(args, 4)
    count, rows, width = sizes(args, 3)
    bad = c0
    for k in range(count):
        i = to_int64(places[k])
        wrong = out_of_range(i, rows)
        bad = bad | bit(wrong, 0)
        if not wrong:
            bad = bad | bit(marks[i], 0)
    if bad == 0:
        for k in range(count):
            i = to_int64(places[k])
            bad = bad | bit(marks[i], 0)
            marks[i] = c1
            for j in range(width):
                y[i, j] = u[k, j]
    return bad
"""


def lower_put_rows(node: Node) -> Lowered:
    """``put_rows``."""
    x, places, updates = node.operands
    y = node.outputs[0]
    rows, width = _matrix(y.type.dims)
    count, dtype = places.type.elements, str(y.dtype)
    sign, value = _HOW[node.op.how]
    kernel = Kernel(
        f"put_rows_{node.op.how}",
        _PUT.format(how=node.op.how, sign=sign, value=value),
        (
            Operand("places", str(places.dtype), 1), Operand("u", dtype, 2),
            Operand("y", dtype, 2, "rw"),
        ),
        (Constant("c0", "int64", 0),),
        ("count", "rows"),
    )  # fmt: skip
    uses = [
        Use(places, "places", (count,), str(places.dtype), "r"),
        Use(updates, "u", (count, width), dtype, "r"),
        Use(y, "y", (rows, width), dtype, "rw", also=x),
    ]
    sizes = [count, rows]
    return Lowered(kernel, uses, sizes, width, count, NANOSECONDS, checks=[node])


def lower_fill_rows(node: Node) -> Lowered:
    """``fill_rows``: one chunk, which sees every mark it makes."""
    x, marks, places, updates = node.operands
    y, marked = node.outputs
    rows, width = _matrix(y.type.dims)
    count, dtype = places.type.elements, str(y.dtype)
    kernel = Kernel(
        "fill_rows",
        _FILL,
        (
            Operand("places", str(places.dtype), 1), Operand("u", dtype, 2),
            Operand("y", dtype, 2, "rw"), Operand("marks", "bool", 1, "rw"),
        ),
        (Constant("c0", "int64", 0), Constant("c1", "bool", True)),
        ("count", "rows", "width"),
    )  # fmt: skip
    uses = [
        Use(places, "places", (count,), str(places.dtype), "r"),
        Use(updates, "u", (count, width), dtype, "r"),
        Use(y, "y", (rows, width), dtype, "rw", also=x),
        Use(marked, "marks", (rows,), "bool", "rw", also=marks),
    ]
    sizes = [count, rows, width]
    return Lowered(kernel, uses, sizes, 1, count * width, NANOSECONDS, checks=[node])


def _matrix(shape: tuple[Dim, ...]) -> tuple[Dim, Dim]:
    return shape[0], dims.product(shape[1:])
