"""Kernels that are no element body: joining tensors along an axis, and folding rows.

Operands are seen as matrices: the axes before the one that matters as rows, the rest as columns.
"""

from __future__ import annotations

from graphc.codegen.kernel import Constant, Kernel, Operand
from graphc.ir import dims
from graphc.ir.dims import Dim, Shape
from graphc.ir.graph import Node, Tensor
from graphc.lowering.nest import Lowered, Use

NANOSECONDS = 0.1  # per element copied or added
JOINED = 4  # tensors one launch copies side by side


def lower_join(node: Node, axis: int) -> list[Lowered]:
    """The operands side by side along ``axis`` of the output: concat, and pack as one row each.

    A few at a time: a kernel's text, and the time to compile it, do not grow with their number.
    """
    y = node.outputs[0]
    rows = dims.product(_shape(y)[:axis])
    widths = [dims.product(_shape(t)[axis:]) for t in node.operands]
    whole = sum(widths, start=0)
    launches = []
    for k in range(0, len(widths), JOINED):
        tensors, own = node.operands[k : k + JOINED], widths[k : k + JOINED]
        kernel = _join_kernel(len(own), str(y.dtype))
        uses = [
            Use(tensor, operand.name, (rows, width), operand.dtype, "r")
            for tensor, operand, width in zip(tensors, kernel.operands, own, strict=False)
        ]
        uses.append(Use(y, "y", (rows, whole), str(y.dtype), "w"))
        at = sum(widths[:k], start=0)
        inner = sum(own, start=0)
        launches.append(Lowered(kernel, uses, [at, *own], rows, inner, NANOSECONDS))
    return launches


def _join_kernel(count: int, dtype: str) -> Kernel:
    names = [f"x{k}" for k in range(count)]
    sizes = ["at", *(f"n{k}" for k in range(count))]
    lines = [
        f"# {', '.join(names)} side by side, from column {sizes[0]} of y on",
        "def join(args, start, stop):",
        f"    {', '.join(names)}, y = views(args, {count + 1})",
        f"    {', '.join(sizes)} = sizes(args, {len(sizes)})",
        "    for i in range(start, stop):",
        "        to = at",
    ]
    for name, size in zip(names, sizes[1:], strict=True):
        lines += [
            f"        for j in range({size}):",
            f"            y[i, to + j] = {name}[i, j]",
            f"        to = to + {size}",
        ]
    lines[-1] = "    return 0"
    operands = (*(Operand(n, dtype, 2) for n in names), Operand("y", dtype, 2, "w"))
    return Kernel("join", "\n".join(lines) + "\n", operands, (), tuple(sizes))


def _shape(tensor: Tensor) -> Shape:
    assert tensor.type.shape is not None, "bug in graphc: lowering a tensor of unknown rank"
    return tensor.type.dims


_SEGMENT = """\
# y[ids[k]] = {word} of x[k]
def segment(args, start, stop):
    x, ids, y = views(args, 3)
    count, width, rows = sizes(args, 3)
    bad = c0
    for i in range(start, stop):
        for j in range(width):
            y[i, j] = c1
    for k in range(count):
        i = to_int64(ids[k])
        bad = bad | bit(ge(i, rows), 0)
        if i >= start and i < stop:
            for j in range(width):
                y[i, j] = {word}(y[i, j], x[k, j])
    return bad
"""


_REPLACE_ROWS = """\
# y = x with y[ids[k]] = u[k]
def replace_rows(args, start, stop):
    x, ids, u, y = views(args, 4)
    count, width, rows = sizes(args, 3)
    bad = c0
    for i in range(start, stop):
        for j in range(width):
            y[i, j] = x[i, j]
    for k in range(count):
        i = to_int64(ids[k])
        bad = bad | bit(out_of_range(i, rows), 0)
        if i >= start and i < stop:
            for j in range(width):
                y[i, j] = u[k, j]
    return bad
"""

_INVERT_PERMUTATION = """\
# y[x[k]] = k
def invert_permutation(args, start, stop):
    x, y = views(args, 2)
    n, = sizes(args, 1)
    bad = c0
    for i in range(start, stop):
        for k in range(n):
            y[k] = c1
        for k in range(n):
            at = to_int64(x[k])
            outside = out_of_range(at, n)
            bad = bad | bit(outside, 0)
            if not outside:
                bad = bad | bit(ne(y[at], c1), 0)
                y[at] = to_DTYPE(k)
    return bad
"""


def lower_segment(node: Node, word: str, initial: float) -> Lowered:
    """The rows of each segment folded with ``word``, from ``initial``: each chunk of output rows
    looks through all ids, in order."""
    x, ids = node.operands
    y = node.outputs[0]
    count, width, rows = ids.type.elements, dims.product(_shape(y)[1:]), _shape(y)[0]
    dtype = str(y.dtype)
    start = float(initial) if y.dtype.is_floating else int(initial)
    kernel = Kernel(
        "segment",
        _SEGMENT.format(word=word),
        (
            Operand("x", dtype, 2), Operand("ids", str(ids.dtype), 1), Operand("y", dtype, 2, "rw"),
        ),
        (Constant("c0", "int64", 0), Constant("c1", str(y.dtype.computed), start)),
        ("count", "width", "rows"),
    )  # fmt: skip
    uses = [
        Use(x, "x", (count, width), dtype, "r"),
        Use(ids, "ids", (count,), str(ids.dtype), "r"),
        Use(y, "y", (rows, width), dtype, "rw"),
    ]
    return _over_rows(node, kernel, uses, count, width, rows)


def _over_rows(
    node: Node, kernel: Kernel, uses: list[Use], count: Dim, width: Dim, rows: Dim
) -> Lowered:
    per_row = width + width * dims.ceildiv(count, dims.maximum(1, rows))
    return Lowered(kernel, uses, [count, width, rows], rows, per_row, NANOSECONDS, checks=[node])


def lower_invert_permutation(node: Node) -> Lowered:
    """``invert_permutation``: one pass, serial, that meets each number once."""
    (x,), (y,) = node.operands, node.outputs
    n, dtype = _shape(x)[0], str(y.dtype)
    kernel = Kernel(
        "invert_permutation",
        _INVERT_PERMUTATION.replace("DTYPE", dtype),
        (Operand("x", dtype, 1), Operand("y", dtype, 1, "rw")),
        (Constant("c0", "int64", 0), Constant("c1", dtype, -1)),
        ("n",),
    )
    uses = [Use(x, "x", (n,), dtype, "r"), Use(y, "y", (n,), dtype, "rw")]
    return Lowered(kernel, uses, [n], 1, n, NANOSECONDS, checks=[node])


def lower_replace_rows(node: Node) -> Lowered:
    """``replace_rows``: each chunk of output rows looks through all indices, in order."""
    x, ids, updates = node.operands
    y = node.outputs[0]
    count, width, rows = ids.type.elements, dims.product(_shape(y)[1:]), _shape(y)[0]
    dtype = str(y.dtype)
    kernel = Kernel(
        "replace_rows",
        _REPLACE_ROWS,
        (
            Operand("x", dtype, 2), Operand("ids", str(ids.dtype), 1), Operand("u", dtype, 2),
            Operand("y", dtype, 2, "w"),
        ),
        (Constant("c0", "int64", 0),),
        ("count", "width", "rows"),
    )  # fmt: skip
    uses = [
        Use(x, "x", (rows, width), dtype, "r"),
        Use(ids, "ids", (count,), str(ids.dtype), "r"),
        Use(updates, "u", (count, width), dtype, "r"),
        Use(y, "y", (rows, width), dtype, "w"),
    ]
    return _over_rows(node, kernel, uses, count, width, rows)
