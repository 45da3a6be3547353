"""Matrix products as kernels that call BLAS, one thread for each piece of the result.

A piece is a block of rows by a block of columns.  BLAS packs its operands anew for every piece, so
there are few: sizes alone say how many, and a result is the same bits however many threads run.
Orientation is a number at run time, as in :mod:`graphc.lowering.contraction`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphc.codegen.kernel import Kernel
from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.lowering.facts import BLAS, Case, ContractionFacts
from graphc.lowering.nest import Lowered

if TYPE_CHECKING:
    from graphc.lowering.contraction import Product

ROW_BLOCKS, COLUMN_BLOCKS = 4, 2  # at most
FEWEST_ROWS, FEWEST_COLUMNS = 64, 128  # of a block, where there are more
NANOSECONDS = 0.012  # per multiplication and addition, on one core

_ONE = """# y = a @ b, by BLAS
def matmul_blas(args, start, stop):
    a, b, y = views(args, 3)
    m, n, depth, rows, columns, blocks, ta, tb = sizes(args, 8)
    for t in range(start, stop):
        p = idiv(t, blocks)
        i0 = (t - p * blocks) * rows
        i1 = minimum(i0 + rows, m)
        j0 = p * columns
        j1 = minimum(j0 + columns, n)
        blas_multiply(a, b, y, ta, tb, i0, i1, j0, j1, depth)
        EPILOGUE
    return 0
"""

_MANY = """# y[g] = a[ga] @ b[gb], by BLAS
def matmul_batch_blas(args, start, stop):
    a, b, y = views(args, 3)
    m, n, depth, rows, columns, blocks, tasks, ta, tb, {names} = sizes(args, {count})
    for t in range(start, stop):
        g = idiv(t, tasks)
        r = t - g * tasks
        p = idiv(r, blocks)
        i0 = (r - p * blocks) * rows
        i1 = minimum(i0 + rows, m)
        j0 = p * columns
        j1 = minimum(j0 + columns, n)
{places}
        left = part(a, ga)
        right = part(b, gb)
        made = part(y, g)
        blas_multiply(left, right, made, ta, tb, i0, i1, j0, j1, depth)
        EPILOGUE
    return 0
"""


def lower_blas(product: Product) -> Lowered:
    """The kernel of a product of float32 or float64 matrices.  Its text says EPILOGUE."""
    m, n, depth = product.m, product.n, product.depth
    rows = _block(m, ROW_BLOCKS, FEWEST_ROWS)
    columns = _block(n, COLUMN_BLOCKS, FEWEST_COLUMNS)
    blocks = dims.ceildiv(m, rows)
    tasks = blocks * dims.ceildiv(n, columns)
    names: tuple[str, ...] = ("m", "n", "depth", "rows", "columns", "blocks")
    sizes: list[Dim] = [m, n, depth, rows, columns, blocks]
    turned: list[Dim] = [int(product.ta), int(product.tb)]
    if product.levels:
        places, steps, values = product.places()
        names = (*names, "tasks", "ta", "tb", *steps)
        sizes += [tasks, *turned, *values]
        text = _MANY.format(names=", ".join(steps), count=len(names), places=places)
    else:
        names = (*names, "ta", "tb")
        sizes += turned
        text = _ONE
    kernel = Kernel(
        "matmul_batch_blas" if product.levels else "matmul_blas", text, product.operands(), (),
        names,
    )  # fmt: skip
    inner = dims.product((_least(rows, m), _least(columns, n), depth))
    return Lowered(
        kernel, product.uses(), sizes, product.matrices * tasks, inner,
        NANOSECONDS * product.dtype.size / 4, facts=_facts(product, rows, columns),
        final=product.final(("i0", "i1"), ("j0", "j1"), whole=False),
    )  # fmt: skip


def _block(size: Dim, most: int, fewest: int) -> Dim:
    return dims.maximum(fewest, dims.ceildiv(size, most))


def _least(a: Dim, b: Dim) -> Dim:
    return -dims.maximum(-a, -b)


def _facts(product: Product, rows: Dim, columns: Dim) -> ContractionFacts:
    return ContractionFacts(
        "batched matmul" if product.levels else "matmul",
        str(product.dtype), product.m, product.n, product.depth, product.matrices,
        "nt"[product.ta] + "nt"[product.tb],
        implementation=BLAS,
        packing=(("left", (Case("by BLAS"),)), ("right", (Case("by BLAS"),))),
        rows=_least(rows, product.m),
        columns=_least(columns, product.n),
    )  # fmt: skip
