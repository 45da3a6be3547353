"""Matrix products as kernels.

Products of floats and of integers are cut into tasks, blocks of rows by blocks of columns, in the
words of :mod:`graphc.codegen.panels`.  Orientation is a number at run time, so that a layer's
product and its two gradients share one kernel.  Other dtypes take a plain loop nest.

Products of many matrices are one launch: a task is a block of one of them.  The axes that count
matrices are merged to *levels* that both operands see alike; an operand that was broadcast along a
level has a step of 0 there.  Matrices that share their right operand are one long matrix.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from graphc.codegen.kernel import Constant, Kernel, Operand
from graphc.codegen.panels import panel_width
from graphc.ir import dims
from graphc.ir.dims import Dim, Shape
from graphc.ir.dtype import DType
from graphc.ir.graph import Node
from graphc.lowering.blas import lower_blas
from graphc.lowering.choice import wants_blas
from graphc.lowering.facts import IN_PLACE, IN_STRIPS, Case, ContractionFacts
from graphc.lowering.nest import Final, Lowered, Use

TASKS = 32  # wished for, so that chunks can be shared out
ROW_TILE = 12  # rows a block is a multiple of
PACK_FROM = 24  # rows from which panels are packed
TALLEST = 20  # tiles of a block: what they read of the left operand stays near the core
SPREAD, TALLEST_LARGE = 4 << 20, 172  # from these bytes of the right operand on
CROWDED = 4096  # bytes between rows of the left operand; a multiple of it, too
TALLEST_CROWDED, TOGETHER, FEWEST = 43, 4, 8  # tiles of a block then, panels, tasks wished for
ENOUGH = 4  # tasks by panels alone: each block of rows would pack them anew
TASK = 1 << 19  # multiplications worth a task of their own, as long as there are few
WIDEST = 8  # panels of a block
FEW_PANELS = 4  # of a block of few rows: its tiles are wide
NANOSECONDS = 0.011  # per multiplication and addition, on one core
STORED = 8  # multiplications and additions that take as long as to store an element
TILED = ("float32", "float64", "int8", "int16", "int32", "int64")

_BLOCKS = """# y = a @ b
def matmul(args, start, stop):
    a, b, y = views(args, 3)
    m, n, depth, rows, columns, across, ta, tb = sizes(args, 8)
    for t in range(start, stop):
        p = idiv(t, across)
        i0 = p * rows
        i1 = minimum(i0 + rows, m)
        j0 = (t - p * across) * columns
        j1 = minimum(j0 + columns, n)
        multiply(a, b, y, ta, tb, i0, i1, j0, j1, depth)
        EPILOGUE
    return 0
"""

_BATCH_BLOCKS = """# y[g] = a[ga] @ b[gb]
def matmul_batch(args, start, stop):
    a, b, y = views(args, 3)
    m, n, depth, rows, columns, across, tasks, ta, tb, {names} = sizes(args, {count})
    for t in range(start, stop):
        g = idiv(t, tasks)
        r = t - g * tasks
        p = idiv(r, across)
        i0 = p * rows
        i1 = minimum(i0 + rows, m)
        j0 = (r - p * across) * columns
        j1 = minimum(j0 + columns, n)
{places}
        left = part(a, ga)
        right = part(b, gb)
        made = part(y, g)
        multiply(left, right, made, ta, tb, i0, i1, j0, j1, depth)
        EPILOGUE
    return 0
"""

_BATCH_DOTS = """# y[g] = a[ga] @ b[gb]
def matmul_batch_dots{suffix}(args, start, stop):
    a, b, y = views(args, 3)
    m, n, depth, {names} = sizes(args, {count})
    for t in range(start, stop):
        g = idiv(t, m)
        i = t - g * m
{places}
        for j in range(n):
            s0 = c0
            for k in range(depth):
                s0 = accumulate(s0, mul(a[ga, {a}], b[gb, {b}]))
            y[g, i, j] = s0
        EPILOGUE
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
        EPILOGUE
    return 0
"""


@dataclass(frozen=True)
class _Level:
    """Adjacent axes that count matrices, as one; ``a`` and ``b``: whether the operand has it."""

    size: Dim
    a: bool
    b: bool
    end: int  # the result's first axis behind them


@dataclass(frozen=True)
class Product:
    """A product of matrices [m, depth] and [depth, n], of each point of ``levels``."""

    node: Node
    levels: tuple[_Level, ...]
    m: Dim
    n: Dim
    depth: Dim
    ta: bool
    tb: bool

    @classmethod
    def of(cls, node: Node) -> Product:
        a, b = node.operands
        y = node.outputs[0]
        ta, tb = bool(node.op.transpose_a), bool(node.op.transpose_b)
        m, n = y.type.dims[-2:]
        levels = _levels(a.type.dims[:-2], b.type.dims[:-2], y.type.dims[:-2])
        while levels and not ta and not levels[-1].b:
            m = levels.pop().size * m
        return cls(node, tuple(levels), m, n, a.type.dims[-2 if ta else -1], ta, tb)

    @property
    def dtype(self) -> DType:
        return self.node.outputs[0].dtype

    @property
    def matrices(self) -> Dim:
        return dims.product(level.size for level in self.levels)

    def uses(self) -> list[Use]:
        """The operands as matrices, with one axis before where there are several."""
        a, b = self.node.operands
        y = self.node.outputs[0]
        left = (self.depth, self.m) if self.ta else (self.m, self.depth)
        right = (self.n, self.depth) if self.tb else (self.depth, self.n)
        shapes: list[Shape] = [left, right, (self.m, self.n)]
        if self.levels:
            counts = [
                dims.product(level.size for level in self.levels if getattr(level, side))
                for side in "ab"
            ]
            shapes = [
                (count, *s) for count, s in zip([*counts, self.matrices], shapes, strict=True)
            ]
        dtype = str(self.dtype)
        return [
            Use(t, name, shape, dtype, "w" if name == "y" else "r")
            for t, name, shape in zip((a, b, y), "aby", shapes, strict=True)
        ]

    def operands(self) -> tuple[Operand, ...]:
        dtype, rank = str(self.dtype), 3 if self.levels else 2
        return (
            Operand("a", dtype, rank), Operand("b", dtype, rank), Operand("y", dtype, rank, "w"),
        )  # fmt: skip

    def final(self, rows: tuple[str, str], columns: tuple[str, str], whole: bool) -> Final:
        axes = self.levels[-1].end if self.levels else 0
        row_axes = len(self.node.outputs[0].type.dims) - 1 - axes
        return Final(rows, columns, axes, row_axes, "g" if self.levels else "", whole=whole)

    def places(self) -> tuple[str, list[str], list[Dim]]:
        """Text that finds matrices ``ga`` and ``gb`` for ``g``, the sizes it names, and theirs."""
        names, values, lines = [], [], []
        rest = "g"
        for k, level in enumerate(self.levels):
            inner = self.levels[k + 1 :]
            steps = [
                dims.product(q.size for q in inner if getattr(q, side)) if here else 0
                for side, here in (("a", level.a), ("b", level.b))
            ]
            names += [f"a{k}", f"b{k}"]
            values += steps
            if inner:
                names.append(f"inner{k}")
                values.append(dims.product(q.size for q in inner))
                lines.append(f"g{k} = idiv({rest}, inner{k})")
                lines.append(f"h{k} = {rest} - g{k} * inner{k}")
                rest = f"h{k}"
            else:
                lines.append(f"g{k} = {rest}")
        for side in "ab":
            terms = [f"g{k} * {side}{k}" for k in range(len(self.levels))]
            lines.append(f"g{side} = {' + '.join(terms)}")
        return "\n".join("        " + line for line in lines), names, values


def _levels(a: Shape, b: Shape, y: Shape) -> list[_Level]:
    levels: list[_Level] = []
    for back in range(len(y), 0, -1):
        size, end = y[-back], len(y) - back + 1
        if size == 1:
            continue
        has = [len(s) >= back and s[-back] != 1 for s in (a, b)]
        last = levels[-1] if levels else None
        if last is not None and [last.a, last.b] == has:
            levels[-1] = _Level(last.size * size, has[0], has[1], end)
        else:
            levels.append(_Level(size, has[0], has[1], end))
    return levels


def lower_matmul(node: Node) -> Lowered:
    """The kernel of a product of matrices, one or many; transposed operands are read as they
    lie.  Its text says EPILOGUE."""
    product = Product.of(node)
    if wants_blas(str(product.dtype)):
        return lower_blas(product)
    return _blocks(product) if str(product.dtype) in TILED else _dots(product)


def flops(node: Node) -> Dim:
    """Multiplications and additions of a product."""
    return node.outputs[0].type.elements * node.op.cost(*(t.type for t in node.operands))


def _blocks(product: Product) -> Lowered:
    width = panel_width(product.dtype.size)
    m, n, depth = product.m, product.n, product.depth
    rows, columns = _block(product, width)
    across = dims.ceildiv(n, columns)
    tasks = dims.ceildiv(m, rows) * across
    names: tuple[str, ...] = ("m", "n", "depth", "rows", "columns", "across")
    sizes: list[Dim] = [m, n, depth, rows, columns, across]
    turned: list[Dim] = [int(product.ta), int(product.tb)]
    if product.levels:
        places, steps, values = product.places()
        names = (*names, "tasks", "ta", "tb", *steps)
        sizes += [tasks, *turned, *values]
        text = _BATCH_BLOCKS.format(places=places, names=", ".join(steps), count=len(names))
    else:
        names = (*names, "ta", "tb")
        sizes += turned
        text = _BLOCKS
    kernel = Kernel(
        "matmul_batch" if product.levels else "matmul", text, product.operands(), (), names
    )
    lanes = width // 2  # a tile is that wide at least, and reads the right operand for all rows
    inner = dims.product(
        (_least(rows, dims.maximum(m, 4)), _least(columns, dims.maximum(n, lanes)), depth + STORED)
    )
    return Lowered(
        kernel, product.uses(), sizes, product.matrices * tasks, inner,
        NANOSECONDS * product.dtype.size / 4, facts=_facts(product, rows, columns),
        final=product.final(("i0", "i1"), ("j0", "j1"), whole=False),
    )  # fmt: skip


def _least(a: Dim, b: Dim) -> Dim:
    return -dims.maximum(-a, -b)


def _block(product: Product, width: int) -> tuple[Dim, Dim]:
    """Rows and columns of a task: whole tiles by whole panels, blocks of about equal height.

    A large right operand is expensive to read, so that more rows share what was read of it.
    """
    tiles = dims.ceildiv(dims.maximum(product.m, 1), ROW_TILE)
    panels = dims.ceildiv(dims.maximum(product.n, 1), width)
    is_large = _least(1, dims.floordiv(product.n * product.depth * product.dtype.size, SPREAD))
    is_crowded = _is_crowded(product)
    work = product.matrices * product.m * dims.maximum(product.n, width // 2) * product.depth
    wished = _least(FEWEST, dims.floordiv(work, TASK))
    apart = panels * product.matrices  # tasks without cutting the rows
    is_short = _least(1, dims.maximum(0, ENOUGH - apart))
    fewest = is_short * dims.ceildiv(wished, dims.maximum(1, apart))
    tallest = TALLEST + (TALLEST_LARGE - TALLEST) * is_large * (1 - is_crowded)
    tallest += (TALLEST_CROWDED - TALLEST) * is_large * is_crowded
    blocks = dims.ceildiv(tiles, tallest)
    blocks = dims.maximum(blocks, _least(fewest, tiles))
    rows = ROW_TILE * dims.ceildiv(tiles, blocks)
    tasks = panels * blocks * product.matrices
    shared = dims.floordiv(tasks, TASKS) * (1 - is_large)
    shared = dims.maximum(shared, _least(TOGETHER, dims.floordiv(tasks, FEWEST)) * is_crowded)
    groups = dims.ceildiv(panels, dims.maximum(1, _least(WIDEST, shared)))
    is_low = _least(1, dims.maximum(0, ROW_TILE - product.m))
    return rows, width * dims.maximum(1, dims.ceildiv(panels, groups), FEW_PANELS * is_low)


def _is_crowded(product: Product) -> Dim:
    """1 where the rows of the left operand lie so far apart that they share the lines of a set of
    the nearest cache: what is copied of them should meet several panels."""
    if product.ta:
        return 0
    step = product.depth * product.dtype.size
    return 1 - _least(1, step - dims.floordiv(step, CROWDED) * CROWDED)


def _facts(product: Product, rows: Dim, columns: Dim) -> ContractionFacts:
    """For reports: what a task is, which tiles make it, and whether panels are packed."""
    m, n = product.m, product.n
    low, thin = (dims.maximum(0, ROW_TILE - size) for size in (m, n))
    tile: tuple[Case, ...] = (Case("panel"),)
    if product.tb:
        tile = (Case("dots", low + thin), Case("panel"))
        right = (Case(IN_PLACE, low + thin), Case("packed"))
    else:
        right = (Case("packed", dims.maximum(0, m - (PACK_FROM - 1))), Case(IN_PLACE))
    strips = _is_crowded(product) * dims.maximum(0, m - (PACK_FROM - 1))
    strips *= dims.maximum(0, n - panel_width(product.dtype.size))
    return ContractionFacts(
        "batched matmul" if product.levels else "matmul",
        str(product.dtype), m, n, product.depth, product.matrices,
        "nt"[product.ta] + "nt"[product.tb],
        tile=tile,
        packing=(("left", (Case(IN_STRIPS, strips), Case(IN_PLACE))), ("right", right)),
        rows=_least(rows, m),
        columns=_least(columns, n),
    )  # fmt: skip


def _plain_facts(product: Product) -> ContractionFacts:
    return replace(_facts(product, 1, product.n), tile=(), packing=())


def _dots(product: Product) -> Lowered:
    ta, tb = product.ta, product.tb
    m, n, depth = product.m, product.n, product.depth
    suffix = "_ta" * ta + "_tb" * tb
    indices = {"suffix": suffix, "a": "k, i" if ta else "i, k", "b": "j, k" if tb else "k, j"}
    zero = 0.0 if product.dtype.is_floating else 0
    constants = (Constant("c0", str(product.dtype.computed), zero),)
    inner = dims.product((n, depth))
    operands, uses = product.operands(), product.uses()
    facts, final = _plain_facts(product), product.final(("i", "i + 1"), ("0", "n"), whole=True)
    if not product.levels:
        text = _DOTS.format(**indices)
        kernel = Kernel(f"matmul_dots{suffix}", text, operands, constants, ("n", "depth"))
        return Lowered(kernel, uses, [n, depth], m, inner, 0.5, facts=facts, final=final)
    places, steps, values = product.places()
    names = ("m", "n", "depth", *steps)
    text = _BATCH_DOTS.format(places=places, names=", ".join(steps), count=len(names), **indices)
    kernel = Kernel(f"matmul_batch_dots{suffix}", text, operands, constants, names)
    sizes = [m, n, depth, *values]
    extent = product.matrices * m
    return Lowered(kernel, uses, sizes, extent, inner, 0.5, facts=facts, final=final)
