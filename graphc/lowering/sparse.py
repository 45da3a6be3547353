"""Kernels over entries given by their positions.

As in :mod:`graphc.lowering.rows`: a chunk looks through all entries in order, and has the rows
whose number ends in its share.
"""

from __future__ import annotations

from graphc.codegen.kernel import Constant, Kernel, Operand
from graphc.ir import dims
from graphc.ir.graph import Node
from graphc.lowering.nest import Lowered, Use
from graphc.lowering.rows import SHARES

NANOSECONDS = 0.15  # per element multiplied and added, or stored

_MATMUL = """\
# y[rows[k], :] += v[k] * x[columns[k], :], in the order of k
def sparse_matmul(args, start, stop):
    rows, columns, v, x, y = views(args, 5)
    count, width, depth, height = sizes(args, 4)
    bad = c0
    for i in range(height):
        share = bit_and(i, c1)
        if share >= start and share < stop:
            for j in range(width):
                y[i, j] = c2
    for k in range(count):
        i = to_int64(rows[k])
        p = to_int64(columns[k])
        wrong = logical_or(out_of_range(i, height), out_of_range(p, depth))
        bad = bad | bit(wrong, 0)
        share = bit_and(i, c1)
        if share >= start and share < stop:
            if not wrong:
                a = v[k]
                for j in range(width):
                    y[i, j] = add(y[i, j], mul(a, x[p, j]))
    return bad
"""


def lower_sparse_matmul(node: Node) -> Lowered:
    rows, columns, values, dense = node.operands
    y = node.outputs[0]
    dtype = str(y.dtype)
    (height, width), depth = y.type.dims, dense.type.dims[0]
    count = values.type.elements
    kernel = Kernel(
        "sparse_matmul", _MATMUL,
        (
            Operand("rows", str(rows.dtype), 1), Operand("columns", str(columns.dtype), 1),
            Operand("v", dtype, 1), Operand("x", dtype, 2), Operand("y", dtype, 2, "rw"),
        ),
        (
            Constant("c0", "int64", 0), Constant("c1", "int64", SHARES - 1),
            Constant("c2", str(y.dtype.computed), 0.0 if y.dtype.is_floating else 0),
        ),
        ("count", "width", "depth", "height"),
    )  # fmt: skip
    uses = [
        Use(rows, "rows", (count,), str(rows.dtype), "r"),
        Use(columns, "columns", (count,), str(columns.dtype), "r"),
        Use(values, "v", (count,), dtype, "r"),
        Use(dense, "x", (depth, width), dtype, "r"),
        Use(y, "y", (height, width), dtype, "rw"),
    ]
    inner = dims.ceildiv((count + height) * width, SHARES)
    sizes = [count, width, depth, height]
    return Lowered(kernel, uses, sizes, SHARES, inner, NANOSECONDS, checks=[node])


_FILL = """\
# y = d, then y[at[k]] = v[k], in the order of k
def filled_at(args, start, stop):
    at, v, d, y = views(args, 4)
    count, = sizes(args, 1)
    default = d[0]
    for i in range(start, stop):
        y[i] = default
    for k in range(count):
        i = to_int64(at[k])
        if i >= start and i < stop:
            y[i] = v[k]
    return 0
"""


def lower_filled_at(node: Node) -> Lowered:
    positions, values, default = node.operands
    y = node.outputs[0]
    (size,), dtype = y.type.dims, str(y.dtype)
    count = positions.type.elements
    kernel = Kernel(
        "filled_at", _FILL,
        (
            Operand("at", str(positions.dtype), 1), Operand("v", dtype, 1), Operand("d", dtype, 1),
            Operand("y", dtype, 1, "w"),
        ),
        (), ("count",),
    )  # fmt: skip
    uses = [
        Use(positions, "at", (count,), str(positions.dtype), "r"),
        Use(values, "v", (count,), dtype, "r"),
        Use(default, "d", (1,), dtype, "r"),
        Use(y, "y", (size,), dtype, "w"),
    ]
    per_element = 1 + dims.ceildiv(count, dims.maximum(1, size))
    return Lowered(kernel, uses, [count], size, per_element, NANOSECONDS)
