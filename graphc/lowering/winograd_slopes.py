"""The gradients of filters with fewer products (:mod:`graphc.ops.products.winograd`).

``convolve_filter_points``: a block of tiles makes a matrix per point of what it sees, and, panel by
panel, of the cotangents of its results; the transpose of one times the other is added to what other
blocks of the part made.  One task is some channels, some panels, and one part of all lines.

``filter_slope`` makes a filter of the points, channel by channel.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from graphc.codegen.gathered import SPARE
from graphc.codegen.kernel import Access, Constant
from graphc.codegen.panels import panel_width
from graphc.codegen.transforms import SCHEMES
from graphc.ir import dims
from graphc.ir.dims import Dim, Shape
from graphc.ir.graph import Node, Tensor
from graphc.lowering.convolution_blocks import HALO, Blocks, smallest
from graphc.lowering.facts import Case, ContractionFacts
from graphc.lowering.geometry import Geometry
from graphc.lowering.nest import Lowered, Workspace
from graphc.lowering.winograd import NANOSECONDS, TRANSFORMING, made_of, table, written_for
from graphc.ops.products.winograd import TILE

TILES = {3: 98, 5: 56}  # of a block
SHARE = {3: 2, 5: 1}  # panels of a task
SUMS = 1 << 16  # elements of the points that one task adds up, about

POINTS = """\
# y[s, point] = (what tiles of part s see).T @ (the cotangents of their results)
def NAME(args, start, stop):
    x, d, y, p, points, beside, corner, rows, steps = views(args, 9)
    SIZES
    slot = take_slot(args)
    halo = part(p, slot)
    left_rows = part(points, slot)
    right_rows = part(beside, slot)
    own = part(corner, slot)
    for k in range(each + SPARE):
        steps[slot, k] = minimum(k, each - 1)
    for task in range(start, stop):
        s = idiv(task, pieces)
        piece = idiv(task - s * pieces, wides)
        c = piece * each
        some = minimum(each, channels - c)
        wide = (task - s * pieces - piece * wides) * share
        made = part(y, s)
        top = minimum(s * part_lines, all_lines)
        bottom = minimum(top + part_lines, all_lines)
        for block in range(blocks):
            cut = idiv(block, spans)
            left = (block - cut * spans) * span
            right = minimum(left + span, count2)
            first = minimum(top + cut * lines, bottom)
            last = minimum(first + lines, bottom)
            count = (last - first) * (right - left)
            FILL
            for i in range(count):
                transform_input_SIDE(
                    halo, left_rows, rows[slot, i], i * each, lead, pitch, AXIS * tiles * each,
                    tiles * each, some,
                )
            for panel in range(wide, minimum(wide + share, panels)):
                j0 = panel * WIDTH
                j1 = minimum(j0 + WIDTH, outputs)
                COTANGENTS
                for point in range(POINTS):
                    multiply_gathered(
                        left_rows, part(steps, slot), part(steps, slot), part(right_rows, point),
                        part(made, point), minimum(block, 1), some, c, j0, j1,
                        point * tiles * each, 1, count, each,
                    )
    give_slot(args, slot)
    return 0
"""

# The cotangents of each tile's results; those of places that are not there are 0.
_COTANGENTS = """\
i = 0
for line in range(first, last):
    plane = idiv(line, count1)
    high_line = (line - plane * count1) * 2
    for q in range(left, right):
        at = (plane * height + high_line) * width + q * 2
        if high_line + 1 < height and q * 2 + 1 < width:
            transform_cotangent_SIDE(
                d, right_rows, at * outputs + j0, i * WIDTH, width * outputs, outputs,
                AXIS * tiles * WIDTH, tiles * WIDTH, j1 - j0,
            )
        else:
            for o in range(2):
                for k in range(2):
                    seen = part(d, minimum(at + o * width + k, places - 1))
                    hi = j1 - j0
                    if high_line + o >= height or q * 2 + k >= width:
                        hi = 0
                    pack_run(seen, own, j0, (o * 2 + k) * WIDTH, 0, hi, WIDTH)
            transform_cotangent_SIDE(
                own, right_rows, 0, i * WIDTH, 2 * WIDTH, WIDTH, AXIS * tiles * WIDTH,
                tiles * WIDTH, j1 - j0,
            )
        i = i + 1
"""

SLOPE = """\
# y = the filter of the points f; x, d: what they are of
def NAME(args, start, stop):
    f, x, d, y = views(args, 4)
    SIZES
    for c in range(start, stop):
        transform_slope_SIDE(
            f, y, c * outputs, c * outputs, AXIS * channels * outputs, channels * outputs,
            SIDE * channels * outputs, channels * outputs, outputs,
        )
        doubt = c0
        for tap in range(SIDE * SIDE):
            for o in range(outputs):
                doubt = accumulate(doubt, y[tap, c, o] * c0)
        if isfinite(doubt):
            finite = 1
        else:
            finite = 0
        for tap in range((1 - finite) * SIDE * SIDE):
            u = idiv(tap, SIDE)
            for o in range(outputs):
                y[tap, c, o] = c0
            for r in range(places):
                line = idiv(r, count2)
                n = idiv(line, count1)
                a = line - n * count1 + u - before1
                b = r - line * count2 + tap - u * SIDE - before2
                if out_of_range(a, in1) or out_of_range(b, in2):
                    for o in range(outputs):
                        y[tap, c, o] = y[tap, c, o] + c0 * d[r, o]
                else:
                    for o in range(outputs):
                        y[tap, c, o] = y[tap, c, o] + x[n, 0, a, b * channels + c] * d[r, o]
    return 0
"""


def lower_filter_points(node: Node) -> Lowered:
    """The kernel of a ``convolve_filter_points``."""
    (x, ct), y = node.operands, node.outputs[0]
    op: Any = node.op
    points = SCHEMES[op.window].points ** 2
    g = Geometry.of(x, op.along(x.type, ct.type), (1, 1), x.type.dims[-1], ct.type.dims[-1])
    width = panel_width(y.dtype.size)
    panels = dims.ceildiv(g.outputs, width)
    share = SHARE[op.window]
    wides = dims.maximum(1, dims.ceildiv(panels, share))
    each, ranges = channel_ranges(g.channels, points * share * width)
    part = dims.ceildiv(g.batch * g.along[1].count, op.parts)
    cut = Blocks.of(g, each, TILES[op.window], part)
    tiles = cut.lines * cut.span
    _, height, across, _ = ct.type.dims
    sizes = {
        **cut.sizes(), "panels": panels, "share": share, "wides": wides, "each": each,
        "pieces": ranges * wides, "part_lines": part, "tiles": tiles, "height": height,
        "width": across, "places": g.batch * height * across,
        "blocks": dims.maximum(1, dims.ceildiv(part, cut.lines)) * cut.spans,
    }  # fmt: skip
    found = dims.product((points, tiles, each))
    uses: list[tuple[Tensor | Workspace, str, Shape, Access]] = [
        (x, "x", g.x_shape(), "r"),
        (ct, "d", (g.batch * height * across, g.outputs), "r"),
        (y, "y", y.type.dims, "rw"),
        table(g.dtype, "p", cut.halo),
        table(g.dtype, "points", found),
        table(g.dtype, "beside", points, tiles, width),
        table(g.dtype, "corner", TILE**2 * width),
        table("int64", "rows", tiles + SPARE),
        table("int64", "steps", each + SPARE),
    ]
    name = f"convolve_filter_winograd_{op.window}"
    text = written_for(POINTS, name, op.window, g.dtype, sizes, COTANGENTS=_COTANGENTS)
    sums = dims.product((points, each, smallest(share * width, g.outputs)))
    inner = dims.product((part, g.along[2].count, sums))
    extent = op.parts * ranges * wides
    facts = ContractionFacts(
        "convolve filter winograd", g.dtype, op.window**2 * g.channels, g.outputs,
        g.batch * height * across, 1, "", tile=(Case("winograd"),),
        packing=(("picture", (Case(HALO),)), ("cotangent", (Case("transformed"),))),
        rows=op.window**2 * each, columns=smallest(share * width, g.outputs), parts=op.parts,
    )  # fmt: skip
    made = made_of(name, text, g.dtype, (), sizes, uses, extent, inner, NANOSECONDS)
    return replace(made, facts=facts)


def channel_ranges(channels: Dim, sums: int) -> tuple[Dim, Dim]:
    """Channels of a task, each of which has ``sums`` sums, and how many such ranges there are."""
    most = max(16, SUMS // sums // 16 * 16)
    if isinstance(channels, int) and channels <= most:
        return channels, 1
    return most, dims.ceildiv(channels, most)


def lower_filter_slope(node: Node) -> Lowered:
    """The kernel of a ``filter_slope``."""
    (f, x, ct), y = node.operands, node.outputs[0]
    op: Any = node.op
    g = Geometry.of(x, op.along(x.type, ct.type), (1, 1), x.type.dims[-1], ct.type.dims[-1])
    sizes = {**g.sizes(), "places": g.places}
    uses: list[tuple[Tensor | Workspace, str, Shape, Access]] = [
        (f, "f", f.type.dims, "r"),
        (x, "x", g.x_shape(), "r"),
        (ct, "d", (g.places, g.outputs), "r"),
        (y, "y", (op.window**2, g.channels, g.outputs), "rw"),
    ]
    name = f"filter_slope_{op.window}"
    text = written_for(SLOPE, name, op.window, g.dtype, sizes)
    inner = SCHEMES[op.window].points ** 2 * g.outputs
    constants = (Constant("c0", g.dtype, 0.0),)
    return made_of(name, text, g.dtype, constants, sizes, uses, g.channels, inner, TRANSFORMING)
