"""Matrix products as kernels.

float32 and float64 products are cut into tasks, a block of rows by a panel of columns, in the
words of
:mod:`graphc.codegen.panels`.  A panel is packed once per chunk when enough rows use it, or when
the right operand is transposed; otherwise it is read in place.  Orientation is a number at run
time, so that a layer's product and its two gradients share one kernel.  Other dtypes take a plain
loop nest.
"""

from __future__ import annotations

from graphc.codegen.kernel import Constant, Kernel, Operand
from graphc.codegen.panels import panel_width
from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.graph import Node
from graphc.lowering.nest import Lowered, Use, Workspace
from graphc.lowering.program import GRAIN

TASKS = 16  # wished for, so that chunks can be shared out
ROW_TILE = 12  # rows a block is a multiple of
PACK_FROM = 48  # rows from which a panel is worth packing
NANOSECONDS = 0.011  # per multiplication and addition, on one core

_PANELS = """# y = a @ b
def matmul(args, start, stop):
    a, b, y, w = views(args, 4)
    m, n, depth, rows, blocks, grain, pack_from, ta, tb = sizes(args, 9)
    slot = idiv(start, grain)
    packed = -1
    for t in range(start, stop):
        p = idiv(t, blocks)
        i0 = (t - p * blocks) * rows
        i1 = minimum(i0 + rows, m)
        j0 = p * {width}
        j1 = minimum(j0 + {width}, n)
        if m < pack_from:
            multiply_panel(a, b, y, ta, i0, i1, j0, j1, depth)
        else:
            if packed != p:
                pack_panel(b, w, slot, tb, j0, j1, depth)
                packed = p
            multiply_packed(a, w, y, slot, ta, i0, i1, j0, j1, depth)
    return 0
"""

_DOTS = """# y = a @ b
def matmul_dots{suffix}(args, start, stop):
    a, b, y = views(args, 3)
    n, depth = sizes(args, 2)
    for i in range(start, stop):
        for j in range(n):
            s0 = c0
            for k in range(depth):
                s0 = accumulate(s0, mul(a[{a}], b[{b}]))
            y[i, j] = s0
    return 0
"""


def lower_matmul(node: Node) -> Lowered:
    """The kernel of a rank-2 matrix product; transposed operands are read as they lie."""
    dtype = str(node.outputs[0].dtype)
    return _panels(node) if dtype in ("float32", "float64") else _dots(node)


def _panels(node: Node) -> Lowered:
    a, b = node.operands
    y = node.outputs[0]
    dtype = str(y.dtype)
    width = panel_width(y.dtype.size)
    operands = (
        Operand("a", dtype, 2), Operand("b", dtype, 2), Operand("y", dtype, 2, "w"),
        Operand("w", dtype, 3, "rw"),
    )  # fmt: skip
    names = ("m", "n", "depth", "rows", "blocks", "grain", "pack_from", "ta", "tb")
    kernel = Kernel("matmul", _PANELS.format(width=width), operands, (), names)
    (m, n), depth = y.type.dims, _depth(node)
    rows, blocks, tasks = _tasks(m, n, width)
    space = Workspace(dtype, (depth, width), per_chunk=True)
    uses = [
        Use(a, "a", a.type.dims, dtype, "r"),
        Use(b, "b", b.type.dims, dtype, "r"),
        Use(y, "y", y.type.dims, dtype, "w"),
        Use(space, "w", (0, depth, width), dtype, "rw"),
    ]
    ta, tb = int(node.op.transpose_a), int(node.op.transpose_b)
    sizes = [m, n, depth, rows, blocks, GRAIN, 0 if tb else PACK_FROM, ta, tb]
    inner = dims.product((rows, depth, width))
    return Lowered(kernel, uses, sizes, tasks, inner, NANOSECONDS * y.dtype.size / 4)


def _tasks(m: Dim, n: Dim, width: int) -> tuple[Dim, Dim, Dim]:
    """Rows of a block, blocks of rows, and tasks (blocks times panels)."""
    panels = dims.ceildiv(n, width)
    wished = dims.maximum(1, dims.floordiv(TASKS, dims.maximum(1, panels)))
    tiles = dims.ceildiv(m, ROW_TILE)
    rows = ROW_TILE * dims.maximum(1, dims.ceildiv(tiles, wished))
    blocks = dims.ceildiv(m, rows)
    return rows, blocks, panels * blocks


def _depth(node: Node) -> Dim:
    return node.operands[0].type.dims[0 if node.op.transpose_a else 1]


def _dots(node: Node) -> Lowered:
    a, b = node.operands
    y = node.outputs[0]
    dtype = str(y.dtype)
    ta, tb = node.op.transpose_a, node.op.transpose_b
    suffix = "_ta" * ta + "_tb" * tb
    text = _DOTS.format(suffix=suffix, a="k, i" if ta else "i, k", b="j, k" if tb else "k, j")
    zero = 0.0 if y.dtype.is_floating else 0
    kernel = Kernel(
        f"matmul_dots{suffix}",
        text,
        (Operand("a", dtype, 2), Operand("b", dtype, 2), Operand("y", dtype, 2, "w")),
        (Constant("c0", str(y.dtype.computed), zero),),
        ("n", "depth"),
    )
    uses = [
        Use(a, "a", a.type.dims, dtype, "r"),
        Use(b, "b", b.type.dims, dtype, "r"),
        Use(y, "y", y.type.dims, dtype, "w"),
    ]
    m, n = y.type.dims
    depth = _depth(node)
    return Lowered(kernel, uses, [n, depth], m, dims.product((n, depth)), 0.5)
