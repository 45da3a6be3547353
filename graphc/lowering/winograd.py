"""Convolutions with fewer products (:mod:`graphc.ops.products.winograd`).

``convolve_winograd``: blocks of tiles as :mod:`graphc.lowering.convolution_blocks` has blocks of
places.  A task copies what its tiles see into the halo and transforms it to a matrix per point, of
a row per tile; then, panel by panel, multiplies these by the panel's and transforms the products
back.  Transforms run along the channels.  Where results are not finite, the halo is multiplied by
the panel as it was.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from graphc.codegen.gathered import SPARE
from graphc.codegen.kernel import Access, Constant, Kernel, Operand
from graphc.codegen.panels import panel_width
from graphc.codegen.transforms import SCHEMES
from graphc.ir import dims
from graphc.ir.dims import Dim, Shape
from graphc.ir.graph import Node, Tensor
from graphc.lowering.convolution_blocks import HALO, TASKS, Blocks, smallest, written
from graphc.lowering.facts import Case, ContractionFacts
from graphc.lowering.geometry import Geometry
from graphc.lowering.nest import Final, Lowered, Use, Workspace
from graphc.ops.products.winograd import TILE

TILES = 112  # of a block
FEWEST_TILES = {3: 42, 5: 28}  # of a block, where there are that many
POINT_ELEMENTS = 1 << 16  # of a block's transformed elements, about
NANOSECONDS = 0.011  # per multiplication and addition, on one core
TRANSFORMING = 0.5  # per element of a filter


CONVOLVE = """\
# y = x convolved with f, by transforms; g: f as it was
def NAME(args, start, stop):
    x, f, g, y, p, points, m, made, rows, steps, direct = views(args, 11)
    SIZES
    slot = take_slot(args)
    halo = part(p, slot)
    left_rows = part(points, slot)
    products = part(m, slot)
    result = part(made, slot)
    c = 0
    filled = 0 - 1
    for task in range(start * several, minimum(stop * several, tasks)):
        block = idiv(task, ranges)
        some = idiv(block, spans)
        left = (block - some * spans) * span
        right = minimum(left + span, count2)
        first = some * lines
        last = minimum(first + lines, all_lines)
        count = (last - first) * (right - left)
        if filled != block:
            FILL
            for i in range(count):
                transform_input_SIDE(
                    halo, left_rows, rows[slot, i], i * channels, lead, channels,
                    AXIS * tiles * channels, tiles * channels, channels,
                )
            filled = block
        begin = (task - block * ranges) * share
        for panel in range(begin, minimum(begin + share, panels)):
            for k in range(tiles + SPARE):
                steps[slot, k] = minimum(k, maximum(count - 1, 0)) * channels
            for point in range(POINTS):
                multiply_gathered(
                    left_rows, part(steps, slot), part(steps, slot), part(part(f, point), panel),
                    products, 0, count, point * tiles, 0, WIDTH, point * tiles * channels, 1,
                    channels, 1,
                )
            j0 = panel * WIDTH
            j1 = minimum(j0 + WIDTH, outputs)
            wide = j1 - j0
            doubt = c0
            i = 0
            for line in range(first, last):
                plane = idiv(line, count1)
                top = (line - plane * count1) * 2
                for q in range(left, right):
                    transform_output_SIDE(
                        products, result, i * WIDTH, 0, AXIS * tiles * WIDTH, tiles * WIDTH,
                        2 * WIDTH, WIDTH, wide,
                    )
                    DOUBT
                    at = (plane * height + top) * width + q * 2
                    for o in range(minimum(height - top, 2)):
                        for k in range(minimum(width - q * 2, 2)):
                            target = part(y, at + o * width + k)
                            pack_run(result, target, (o * 2 + k) * WIDTH, j0, 0, wide, wide)
                    i = i + 1
            if isfinite(doubt):
                filled = block
            else:
                DIRECT
            plane = idiv(first, count1)
            q = (first - plane * count1) * 2
            for line in range(minimum(pieces, height - q)):
                PIECE
                EPILOGUE
    give_slot(args, slot)
    return 0
"""

# 0, unless a result is not finite.
_DOUBT = """\
for k in range(wide):
    upper = made[slot, k] + made[slot, WIDTH + k]
    lower = made[slot, 2 * WIDTH + k] + made[slot, 3 * WIDTH + k]
    doubt = accumulate(doubt, (upper + lower) * c0)
"""

# What is not finite once more, line by line, from the halo.
_DIRECT = """\
for k in range(window):
    steps[slot, k] = k * lead
r = 0
for line in range(first, last):
    plane = idiv(line, count1)
    q = (line - plane * count1) * 2
    e = rows[slot, r]
    r = r + right - left
    for k in range((right - left) * 2 + SPARE):
        direct[slot, k] = minimum(k, minimum(right * 2, width) - left * 2 - 1) * channels
    for o in range(minimum(height - q, 2)):
        multiply_gathered(
            halo, part(direct, slot), part(steps, slot), part(g, panel), y, 0,
            minimum(right * 2, width) - left * 2, (plane * height + q + o) * width + left * 2, j0,
            j1, e + o * lead, window, window * channels, 1,
        )
"""

# Rows of y that are final together: all lines of the block, or the places of one.
_PIECE = """\
i0 = (plane * height + q + line) * width + left * 2
i1 = minimum(i0 + (right - left) * 2, i0 - left * 2 + width)
if spans == 1:
    below = idiv(last, count1)
    i1 = (below * height + (last - below * count1) * 2) * width
"""

FILTER = """\
# y[point, panel] = the panel's transform
def NAME(args, start, stop):
    f, y = views(args, 2)
    SIZES
    for t in range(start, stop):
        c = idiv(t, panels)
        panel = t - c * panels
        transform_filter_SIDE(
            part(f, panel), y, c * WIDTH, (panel * inputs + c) * WIDTH, SIDE * inputs * WIDTH,
            inputs * WIDTH, AXIS * panels * inputs * WIDTH, panels * inputs * WIDTH, WIDTH,
        )
    return 0
"""


def written_for(
    text: str, name: str, window: int, dtype: str, sizes: dict[str, Dim], **more: str
) -> str:
    """A text for windows of ``window``, with its fragments in their places."""
    axis = SCHEMES[window].points
    text = text.replace("SIDE", str(window)).replace("AXIS", str(axis))
    more |= {"DIRECT": _DIRECT, "PIECE": _PIECE, "DOUBT": _DOUBT}
    for key, fragment in more.items():
        more[key] = fragment.replace("SIDE", str(window)).replace("AXIS", str(axis))
    return written(text.replace("POINTS", str(axis**2)), name, dtype, False, sizes, **more)


def lower_convolve_winograd(node: Node) -> Lowered:
    """The kernel of a ``convolve_winograd``."""
    (x, f, panels), y = node.operands, node.outputs[0]
    op: Any = node.op
    points = SCHEMES[op.window].points ** 2
    g = Geometry.of(x, op.along(x.type), (1, 1), x.type.dims[-1], op.outputs)
    width = panel_width(y.dtype.size)
    all_lines = g.batch * g.along[1].count
    line = dims.maximum(1, g.along[2].count)
    few = FEWEST_TILES[op.window]
    fewest = dims.maximum(few, dims.floordiv(POINT_ELEMENTS, dims.maximum(1, points * g.channels)))
    shared = dims.maximum(dims.ceildiv(all_lines, TASKS), dims.ceildiv(few, line))
    cut = Blocks.of(g, g.channels, smallest(TILES, fewest), shared)
    blocks = dims.ceildiv(all_lines, cut.lines) * cut.spans
    count = f.type.dims[1]
    wished = dims.maximum(1, dims.floordiv(TASKS, 2 * dims.maximum(1, blocks)))
    share = dims.maximum(1, dims.ceildiv(count, wished))
    ranges = dims.maximum(1, dims.ceildiv(count, share))
    tasks = blocks * ranges
    several = dims.maximum(1, dims.ceildiv(tasks, TASKS))
    tiles = cut.lines * cut.span
    sizes = {
        **cut.sizes(), "panels": count, "share": share, "ranges": ranges, "tasks": tasks,
        "several": several, "tiles": tiles, "height": op.counts[0], "width": op.counts[1],
        "pieces": 1 + smallest(1, cut.spans - 1), "window": op.window,
    }  # fmt: skip
    found = dims.product((points, tiles, g.channels))
    places = op.counts[0] * op.counts[1] * g.batch
    uses: list[tuple[Tensor | Workspace, str, Shape, Access]] = [
        (x, "x", g.x_shape(), "r"),
        (f, "f", f.type.dims, "r"),
        (panels, "g", panels.type.dims, "r"),
        (y, "y", (places, g.outputs), "rw"),
        (Workspace(g.dtype, (cut.halo,), per_chunk=True), "p", (0, cut.halo), "rw"),
        (Workspace(g.dtype, (found,), per_chunk=True), "points", (0, found), "rw"),
        table(g.dtype, "m", points * tiles, width),
        table(g.dtype, "made", TILE**2 * width),
        table("int64", "rows", tiles + SPARE),
        table("int64", "steps", tiles + SPARE),
        table("int64", "direct", 2 * cut.span + SPARE),
    ]
    final = Final(("i0", "i1"), ("j0", "j1"), 0, len(y.type.dims) - 1)
    name = f"convolve_winograd_{op.window}"
    text = written_for(CONVOLVE, name, op.window, g.dtype, sizes)
    constants = (Constant("c0", g.dtype, 0.0),)
    inner = dims.product((several, tiles, points, g.channels, smallest(share * width, g.outputs)))
    extent = dims.ceildiv(tasks, several)
    facts = ContractionFacts(
        "convolve winograd", g.dtype, places, g.outputs, op.window**2 * g.channels, 1, "",
        tile=(Case("winograd"),),
        packing=(("picture", (Case(HALO),)), ("filter", (Case("transformed before"),))),
        rows=several * tiles * TILE**2, columns=smallest(share * width, g.outputs),
    )  # fmt: skip
    made = made_of(name, text, g.dtype, constants, sizes, uses, extent, inner, NANOSECONDS)
    return replace(made, facts=facts, final=final)


def table(dtype: str, name: str, *shape: Dim) -> tuple[Workspace, str, Shape, Access]:
    """Memory a chunk has for itself."""
    return Workspace(dtype, shape, per_chunk=True), name, (0, *shape), "rw"


def made_of(
    name: str, text: str, dtype: str, constants: tuple[Constant, ...], sizes: dict[str, Dim],
    uses: list[tuple[Tensor | Workspace, str, Shape, Access]], extent: Dim, inner: Dim,
    weight: float,
) -> Lowered:  # fmt: skip
    seen = [
        Use(tensor, use, shape, tensor.dtype if isinstance(tensor, Workspace) else dtype, access)
        for tensor, use, shape, access in uses
    ]
    operands = tuple(Operand(use.name, use.dtype, len(use.shape), use.access) for use in seen)
    kernel = Kernel(name, text, operands, constants, tuple(sizes))
    return Lowered(kernel, seen, list(sizes.values()), extent, inner, weight)


def lower_winograd_panels(node: Node) -> Lowered:
    """The kernel of a ``winograd_panels``."""
    f, y = node.operands[0], node.outputs[0]
    dtype = str(y.dtype)
    sizes = {"inputs": y.type.dims[2], "panels": y.type.dims[1]}
    name = f"winograd_panels_{node.op.window}"
    text = written_for(FILTER, name, node.op.window, dtype, sizes)
    uses: list[tuple[Tensor | Workspace, str, Shape, Access]] = [
        (f, "f", f.type.dims, "r"), (y, "y", y.type.dims, "w"),
    ]  # fmt: skip
    extent = y.type.dims[1] * y.type.dims[2]
    inner = y.type.dims[0] * y.type.dims[3]
    return made_of(name, text, dtype, (), sizes, uses, extent, inner, TRANSFORMING)
