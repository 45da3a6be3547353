"""Matrix products as kernels: loops over rows, the innermost one contiguous."""

from __future__ import annotations

from graphc.codegen.kernel import Constant, Kernel, Operand
from graphc.ir import dims
from graphc.ir.graph import Node
from graphc.lowering.nest import Lowered, Use

_ROWS = """
def matmul{suffix}(args, start, stop):
    a, b, y = views(args, 3)
    n, depth = sizes(args, 2)
    for i in range(start, stop):
        for j in range(n):
            y[i, j] = c0
        for k in range(depth):
            t0 = a[{a}]
            for j in range(n):
                y[i, j] = accumulate(y[i, j], t0 * b[{b}])
    return 0
"""

_DOTS = """
def matmul{suffix}(args, start, stop):
    a, b, y = views(args, 3)
    n, depth = sizes(args, 2)
    for i in range(start, stop):
        for j in range(n):
            s0 = c0
            for k in range(depth):
                s0 = accumulate(s0, a[{a}] * b[{b}])
            y[i, j] = s0
    return 0
"""


def lower_matmul(node: Node) -> Lowered:
    """The kernel of a rank-2 matrix product; transposed operands are read in place."""
    a, b = node.operands
    y = node.outputs[0]
    transpose_a, transpose_b = node.op.transpose_a, node.op.transpose_b
    suffix = ("_ta" if transpose_a else "") + ("_tb" if transpose_b else "")
    template = _DOTS if transpose_b else _ROWS
    text = "# a @ b" + template.format(
        suffix=suffix,
        a="k, i" if transpose_a else "i, k",
        b="j, k" if transpose_b else "k, j",
    )
    depth = a.type.shape[0] if transpose_a else a.type.shape[1]
    rows, columns = y.type.shape
    dtype = str(y.dtype)
    kernel = Kernel(
        f"matmul{suffix}",
        text,
        (Operand("a", dtype, 2), Operand("b", dtype, 2), Operand("y", dtype, 2, "rw")),
        (Constant("c0", str(y.dtype.computed), 0.0),),
        ("n", "depth"),
    )
    uses = [
        Use(tensor, name, tensor.type.shape, dtype, access)
        for tensor, name, access in ((a, "a", "r"), (b, "b", "r"), (y, "y", "rw"))
    ]
    return Lowered(kernel, uses, [columns, depth], rows, dims.product((columns, depth)), 0.05)
