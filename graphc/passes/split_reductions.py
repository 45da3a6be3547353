"""Split long reductions in two, so that the first half runs in parallel.

Before: reductions of any size.   After: a reduction over all axes, or over leading axes with few
elements kept, is a fold per chunk of rows followed by a fold over the chunks, unless it is known
to be small.  A long product of matrices whose result is a few tiles, too few to share out, is as
many products of parts of the sum, then added.  Chunks and parts follow from sizes only, so results
do not depend on the number of threads.
Leaves alone: reductions with rows to spare (softmax, layer norm), and batches of short rows (a mean
loss), where a second launch costs more than it brings; products whose parts would not be matrices
as they lie.
"""

from __future__ import annotations

from math import prod

from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node
from graphc.ir.op import Kind
from graphc.ir.types import TensorType
from graphc.passes.options import Options

CHUNK = 16_384  # elements of a chunk
SLIM = 64  # elements of a row below which an unknown number of rows is taken for a small batch
NARROW = 512  # kept elements below which rows are worth splitting
WIDE = 4096  # kept elements from which each thread has enough columns of its own
MANY = 16 * CHUNK  # elements from which rows between the two are

TILE = (12, 32)  # rows and columns of a product's result that are made together, about
FEW_TILES = 4  # from so many on, rows of the result are shared out
PART = 1 << 20  # multiplications that a part of a product's sum should have
MOST_PARTS = 8
LEAST = (4, 16)  # rows and columns of a result that take no longer than fewer


def split_reductions(graph: Graph, options: Options) -> Graph:
    change = Edit(graph)
    for node in graph.nodes:
        parts = parts_of_sum(node)
        if parts > 1:
            _split_product(change, node, parts)
            options.log.note("split-reductions", node, f"{parts} parts of the sum")
            continue
        rows = rows_per_chunk(node)
        if rows is None:
            continue
        b = change.builder(like=node)
        x, y, op = node.operands[0], node.outputs[0], node.op
        part = b.partial_reduce(
            x,
            axis=op.axes(x.type),
            chunk=rows,
            initial=op.reduction.initial,
            word=op.reduction.word,
        )
        whole = b.apply(type(op), (part,), {"axis": (0,), "keepdims": False})
        if op.keepdims:
            whole = b.reshape(whole, shape=y.type.dims)
        change.replace(y, whole)
        options.log.note("split-reductions", node, f"{rows} rows per chunk")
    return change.done()


def rows_per_chunk(node: Node) -> Dim | None:
    """Rows of the first axis that one chunk folds; None where the reduction stays whole."""
    op = node.op
    if op.kind is not Kind.REDUCTION or op.name == "partial_reduce":
        return None
    x = node.operands[0].type
    axes = op.axes(x)
    if not axes or axes != tuple(range(len(axes))) or x.dims[0] == 1:
        return None
    kept = dims.product(x.dims[len(axes) :])
    if not isinstance(kept, int) or kept >= WIDE or (kept >= NARROW and not _is_long(x, axes)):
        return None
    if isinstance(x.elements, int) and x.elements <= 2 * CHUNK:
        return None
    each = dims.product(x.dims[1:])
    if isinstance(each, int) and each < SLIM and not isinstance(x.dims[0], int):
        return None
    if isinstance(each, int):
        return max(1, CHUNK // max(1, each))
    return dims.maximum(1, dims.floordiv(CHUNK, dims.maximum(1, each)))


def _is_long(x: TensorType, axes: tuple[int, ...]) -> bool:
    """Whether so many rows are folded that reading them in their order pays."""
    if isinstance(x.elements, int):
        return x.elements >= MANY
    return len(axes) > 1  # one unknown size is taken for a batch, turns of batches are many


def parts_of_sum(node: Node) -> int:
    """Parts a product's sum is made in; 1 where it stays whole."""
    if node.op.name != "matmul":
        return 1
    a, b = (t.type for t in node.operands)
    y = node.outputs[0].type
    if len(a.dims) != 2 or len(b.dims) != 2:
        return 1
    m, n, depth = *y.dims, a.dims[0 if node.op.transpose_a else 1]
    if not (isinstance(m, int) and isinstance(n, int) and isinstance(depth, int)):
        return 1
    lies_along = (node.op.transpose_a or m == 1) and (not node.op.transpose_b or n == 1)
    tiles = prod(-(-size // tile) for size, tile in zip((m, n), TILE, strict=True))
    if not lies_along or not 0 < tiles < FEW_TILES:
        return 1
    work = prod(map(max, (m, n), LEAST)) * depth
    most = min(MOST_PARTS, work // PART)
    return next((parts for parts in range(most, 1, -1) if depth % parts == 0), 1)


def _split_product(change: Edit, node: Node, parts: int) -> None:
    """Sums of ``depth / parts`` products each, and their sum: views of what lies side by side."""
    b = change.builder(like=node)
    turned = {"transpose_a": node.op.transpose_a, "transpose_b": node.op.transpose_b}
    operands = []
    axes = (0 if node.op.transpose_a else 1, 1 if node.op.transpose_b else 0)
    for tensor, axis in zip(node.operands, axes, strict=True):
        shape = list(tensor.type.dims)
        shape[axis] = shape[axis] // parts
        operands.append(b.reshape(tensor, shape=(parts, *shape)))
    y = b.matmul(*operands, **turned)
    change.replace(node.outputs[0], b.reduce_sum(y, axis=(0,), keepdims=False))
