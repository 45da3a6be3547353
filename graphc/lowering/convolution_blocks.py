"""Convolutions of float32 and float64, and their filters' gradients, as products of tiles.

A block is some lines of places, of one or more pictures.  What its windows see is copied once into
a workspace, zeros where that is over the edge: the *halo*, little more than the input itself.
Inside it a line of a window is a run of elements, and all places see the same runs from different
addresses.  So :mod:`graphc.codegen.gathered` multiplies it as it lies, with two tables:

* ``convolve_panels``: a row per place, a step per line of the window; the filter's panels are the
  right operand.  One task is a block, and some panels.
* ``convolve_filter_lines``: a row per element of the window, a step per line of places; panels of
  the cotangent, packed block by block, are the right operand.  One task is some channels, some
  columns, and one part of all lines; each part has its own sum, so that nothing depends on how
  tasks are shared out.

``filter_panels`` lays a filter out.  Lines longer than a block are cut to *spans*.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

from graphc.codegen.gathered import SPARE, SQUARE
from graphc.codegen.kernel import Access, Constant, Kernel, Operand
from graphc.codegen.panels import panel_width
from graphc.ir import dims
from graphc.ir.dims import Dim, Shape
from graphc.ir.graph import Node, Tensor
from graphc.lowering.facts import ContractionFacts
from graphc.lowering.geometry import Geometry
from graphc.lowering.nest import Final, Lowered, Use, Workspace

BLOCK = 1 << 16  # elements of a halo, about
PLACES = 448  # of a block
SUMMED_PLACES = 256  # of a block whose places are summed over
LEAST_PLACES = 196  # of a block, where there are that many
TASKS = 16  # wished for
MOST_TASKS = 32  # of a launch: one does several blocks then, in one workspace
SUMS = 1 << 16  # elements of a filter's gradient that one task adds up, about
WIDEST = 4  # panels of the cotangent in one task
LEAST_CHANNELS = 16  # that a task's channels are a multiple of, where it has not all
NANOSECONDS = 0.0075  # per multiplication and addition, on one core
HALO = "read from a halo"  # what reports say of the picture,
LAID_OUT = "laid out before"  # and of the filter
PACKING = 0.3  # per element of a filter

# Offset of tap t of the window in the halo.
_TAP = """\
u = idiv(t, window1 * window2)
w = imod(t, window2)
v = idiv(t - w, window2) - u * window1
offset = (u * high + v * dilation1) * lead + w * dilation2 * pitch
"""

# Where plane ``r1`` of places and line ``v`` of its window's lines stand: (a, b) of the picture.
_LINE = """\
outside = out_of_range(a, in0) or out_of_range(b, in1)
"""
_LINE_GAPPED = """\
a1 = a
b1 = b
a = idiv(a1, gap0)
b = idiv(b1, gap1)
outside = out_of_range(a, in0) or out_of_range(b, in1) or a * gap0 != a1 or b * gap1 != b1
"""

# Elements lo .. hi of the run at e are inside the picture.
_RUN = """\
e = (j + k) * channels + c
lo = minimum(maximum(0 - e, 0), length)
hi = maximum(minimum(in2 * channels - e, length), lo)
"""
_RUN_GAPPED = """\
e = idiv(j + k, gap2)
lo = 0
hi = length
if out_of_range(e, in2) or e * gap2 != j + k:
    hi = 0
e = e * channels + c
"""

# What windows at lines first .. last and places left .. right see, channels from c on.  LINES
# writes down where each of these lines begins.
_FILL = """\
j = left * stride2 - before2
r = first
base = 0
at = 0
for section in range(idiv(maximum(last - 1, first), count1) - idiv(first, count1) + 1):
    r1 = idiv(r, count1)
    q = r - r1 * count1
    n = idiv(r1, count0)
    many = minimum(count1 - q, last - r)
    tall = minimum(many, 1) * ((many - 1) * stride1 + reach1)
    for u in range(window0):
        for v in range(tall):
            a = (r1 - n * count0) * stride0 - before0 + u * dilation0
            b = q * stride1 - before1 + v
            LINE
            to = (base + u * high + v) * lead
            if outside:
                pack_run(halo, halo, 0, to, 0, 0, lead)
            else:
                seen = part(part(part(x, n), a), b)
                for k in range(runs):
                    RUN
                    pack_run(halo, halo, 0, to, 0, 0, lo)
                    pack_run(seen, halo, e + lo, to + lo, 0, hi - lo, hi - lo)
                    pack_run(halo, halo, 0, to + hi, 0, 0, length - hi)
                    to = to + length
    for o in range(many):
        begin = (base + o * stride1) * lead
        LINES
    r = r + many
    base = base + window0 * high
"""

PANELS = """\
# y[r] = (what the window sees at r) @ f
def NAME(args, start, stop):
    x, f, y, p, rows, steps = views(args, 6)
    SIZES
    slot = take_slot(args)
    halo = part(p, slot)
    c = 0
    for s in range(stretches):
        t = s * stretch
        TAP
        steps[slot, s] = offset
    filled = 0 - 1
    for task in range(start * several, minimum(stop * several, tasks)):
        block = idiv(task, ranges)
        some = idiv(block, spans)
        left = (block - some * spans) * span
        right = minimum(left + span, count2)
        first = some * lines
        last = minimum(first + lines, all_lines)
        if filled != block:
            FILL
            for k in range(SPARE):
                rows[slot, at + k] = rows[slot, maximum(at - 1, 0)]
            filled = block
        count = (last - first) * (right - left)
        i0 = first * count2 + left
        i1 = i0 + count
        begin = (task - block * ranges) * share
        for panel in range(begin, minimum(begin + share, groups * panels)):
            g = idiv(panel, panels)
            j0 = g * columns + (panel - g * panels) * WIDTH
            j1 = minimum(j0 + WIDTH, g * columns + columns)
            multiply_gathered(
                halo, part(rows, slot), part(steps, slot), part(f, panel), y, 0, count, i0, j0, j1,
                g * inputs, stretches, run, 1,
            )
            EPILOGUE
    give_slot(args, slot)
    return 0
"""

# A row per place of a line.
_ROWS = """\
for k in range(right - left):
    rows[slot, at + k] = begin + k * stride2 * pitch
at = at + right - left
"""

FILTER_LINES = """\
# y[s] = (what the windows at the lines of part s see).T @ d
def NAME(args, start, stop):
    x, d, y, p, packed, rows, steps = views(args, 7)
    SIZES
    slot = take_slot(args)
    halo = part(p, slot)
    panel = part(packed, slot)
    for t in range(taps):
        TAP
        for k in range(each):
            rows[slot, t * each + k] = offset + k
    for k in range(SPARE):
        rows[slot, taps * each + k] = rows[slot, maximum(taps * each - 1, 0)]
    for task in range(start, stop):
        s = idiv(task, pieces)
        piece = idiv(task - s * pieces, wides)
        c = piece * each
        wide = (task - s * pieces - piece * wides) * share
        made = part(y, s)
        count = taps * minimum(each, inputs - c)
        top = minimum(s * part_lines, all_lines)
        bottom = minimum(top + part_lines, all_lines)
        for block in range(blocks):
            some = idiv(block, spans)
            left = (block - some * spans) * span
            right = minimum(left + span, count2)
            first = minimum(top + some * lines, bottom)
            last = minimum(first + lines, bottom)
            FILL
            for q in range(wide, minimum(wide + share, groups * panels)):
                g = idiv(q, panels)
                j0 = g * columns + (q - g * panels) * WIDTH
                j1 = minimum(j0 + WIDTH, g * columns + columns)
                for r in range(first, last):
                    for k in range(right - left):
                        source = part(d, r * count2 + left + k)
                        target = part(panel, (r - first) * (right - left) + k)
                        pack_run(source, target, j0, 0, 0, j1 - j0, WIDTH)
                for m in range(products):
                    t = m * taps
                    TAP
                    multiply_gathered(
                        halo, part(rows, slot), part(steps, slot), panel, made, minimum(block, 1),
                        count, m * inputs + c, j0, j1, offset + g * inputs, last - first,
                        right - left, stride2 * pitch,
                    )
    give_slot(args, slot)
    return 0
"""

# A step per line of places.
_STEPS = """\
steps[slot, at] = begin
at = at + 1
"""

FILTER = """\
# y = the columns of f, or of f turned round, panel by panel
def NAME(args, start, stop):
    f, y = views(args, 2)
    SIZES
    for t in range(start, stop):
        q = idiv(t, taps)
        tap = t - q * taps
        g = idiv(q, panels)
        j0 = (q - g * panels) * WIDTH
        made = part(y, q)
        if turned == 0:
            read = part(f, tap)
            j1 = minimum(j0 + WIDTH, each)
            for k in range(inputs):
                e = g * each + j0
                pack_run(part(read, k), part(made, tap * inputs + k), e, 0, 0, j1 - j0, WIDTH)
        else:
            back = part(f, taps - 1 - tap)
            j1 = minimum(j0 + WIDTH, inputs)
            whole = each - imod(each, SQUARE)
            pack_turned(back, made, j0, g * each, tap * each, j1 - j0, whole)
            for o in range(whole, each):
                for k in range(j1 - j0):
                    made[tap * each + o, k] = back[j0 + k, g * each + o]
                for k in range(j1 - j0, WIDTH):
                    made[tap * each + o, k] = c0
    return 0
"""


def written(
    text: str, name: str, dtype: str, gapped: bool, sizes: dict[str, Dim], **more: str
) -> str:
    """A text with its fragments in their places."""
    fragments = {
        "FILL": _FILL, "LINES": _STEPS if "packed" in text else _ROWS, "TAP": _TAP,
        "LINE": _LINE_GAPPED if gapped else _LINE, "RUN": _RUN_GAPPED if gapped else _RUN,
        "SIZES": f"{', '.join(sizes)} = sizes(args, {len(sizes)})\n", **more,
    }  # fmt: skip
    for key, fragment in fragments.items():
        lines = []
        for line in text.splitlines():
            body = line.strip()
            margin = line[: len(line) - len(body)]
            lines.append(textwrap.indent(fragment, margin).rstrip("\n") if body == key else line)
        text = "\n".join(lines) + "\n"
    width = panel_width(8 if dtype == "float64" else 4)
    numbers = {"WIDTH": width, "SPARE": SPARE, "SQUARE": SQUARE}
    for key, number in numbers.items():
        text = text.replace(key, str(number))
    return text.replace("NAME", name)


def smallest(*sizes: Dim) -> Dim:
    return -dims.maximum(*(-size for size in sizes))


@dataclass(frozen=True)
class Blocks:
    """How the places of a convolution are cut: blocks of ``lines`` by spans of ``span``."""

    g: Geometry
    pitch: Dim  # channels the halo has of each element
    lines: Dim
    span: Dim
    spans: Dim

    @classmethod
    def of(cls, g: Geometry, pitch: Dim, places: Dim, lines: Dim) -> Blocks:
        """Blocks of about ``places`` places, their halo within bounds, at most ``lines`` high."""
        planes, rows, columns = g.along
        beside = dims.maximum(1, planes.window * rows.reach * pitch * columns.stride)
        longest = smallest(PLACES, dims.maximum(56, dims.floordiv(BLOCK, beside)))
        spans = dims.maximum(1, dims.ceildiv(columns.count, longest))
        span = dims.maximum(1, dims.ceildiv(columns.count, spans))
        lead = ((span - 1) * columns.stride + columns.reach) * pitch
        fitting = dims.floordiv(
            dims.floordiv(BLOCK, dims.maximum(1, planes.window * lead)) - rows.reach, rows.stride
        )
        most = dims.maximum(1, smallest(dims.floordiv(places, span), fitting + 1, lines))
        return cls(g, pitch, 1 + (most - 1) * dims.floordiv(1, spans), span, spans)

    @property
    def all_lines(self) -> Dim:
        return self.g.batch * self.g.along[0].count * self.g.along[1].count

    @property
    def high(self) -> Dim:
        """Lines of the halo for the places of one picture."""
        rows = self.g.along[1]
        most = dims.maximum(1, smallest(self.lines, rows.count))
        return (most - 1) * rows.stride + rows.reach

    @property
    def lead(self) -> Dim:
        columns = self.g.along[2]
        return ((self.span - 1) * columns.stride + columns.reach) * self.pitch

    @property
    def halo(self) -> Dim:
        """Elements: as many pictures as a block can touch."""
        count = dims.maximum(1, self.g.along[1].count)
        pictures = dims.floordiv(self.lines + count - 2, count) + 1
        if isinstance(self.lines, int) and isinstance(count, int):
            if count % self.lines == 0:
                pictures = 1
            elif self.lines % count == 0:
                pictures = self.lines // count
        return pictures * self.g.along[0].window * self.high * self.lead

    def sizes(self) -> dict[str, Dim]:
        whole = self.pitch == self.g.channels and not self.g.gapped
        columns = self.g.along[2]
        length = (self.span - 1) * columns.stride + columns.reach
        return {
            **self.g.sizes(), "busy": 0, "reach1": self.g.along[1].reach, "high": self.high,
            "lead": self.lead, "pitch": self.pitch, "lines": self.lines, "span": self.span,
            "spans": self.spans, "all_lines": self.all_lines, "runs": 1 if whole else length,
            "length": self.lead if whole else self.pitch,
        }  # fmt: skip


def _lowered(
    name: str, text: str, g: Geometry, sizes: dict[str, Dim],
    uses: list[tuple[Tensor | Workspace, str, Shape, Access]], extent: Dim, inner: Dim,
    weight: float, facts: ContractionFacts, final: Final | None = None,
) -> Lowered:  # fmt: skip
    seen = [
        Use(tensor, use, shape, tensor.dtype if isinstance(tensor, Workspace) else g.dtype, access)
        for tensor, use, shape, access in uses
    ]
    kernel = Kernel(
        name + ("_gapped" if g.gapped else ""),
        written(text, name + ("_gapped" if g.gapped else ""), g.dtype, g.gapped, sizes),
        tuple(Operand(use.name, use.dtype, len(use.shape), use.access) for use in seen),
        g.constant() if "c0" in text else (),
        tuple(sizes),
    )
    weight *= 2 if g.dtype == "float64" else 1
    return Lowered(
        kernel, seen, list(sizes.values()), extent, inner, weight, facts=facts, final=final
    )


def lower_convolve_panels(node: Node) -> Lowered:
    """The kernel of a ``convolve_panels``."""
    (x, f), y = node.operands, node.outputs[0]
    op: Any = node.op
    along = op.along(x.type)
    g = Geometry.of(x, along, op.gaps, op.inputs, op.outputs)
    width = panel_width(y.dtype.size)
    each = dims.floordiv(g.outputs, dims.maximum(1, g.groups))
    panels = dims.ceildiv(each, width)
    all_lines = g.batch * g.along[0].count * g.along[1].count
    line = dims.maximum(1, g.along[2].count)
    shared = dims.maximum(dims.ceildiv(all_lines, TASKS), dims.ceildiv(LEAST_PLACES, line))
    cut = Blocks.of(g, g.channels, PLACES, shared)
    blocks = dims.ceildiv(all_lines, cut.lines) * cut.spans
    wished = dims.floordiv(TASKS, 2 * dims.maximum(1, blocks))
    share = dims.maximum(1, dims.ceildiv(g.groups * panels, dims.maximum(1, wished)))
    ranges = dims.ceildiv(g.groups * panels, share)
    tasks = blocks * ranges
    several = dims.maximum(1, dims.ceildiv(tasks, MOST_TASKS))
    last = g.along[2]
    joined = last.dilation == 1 and g.groups == 1
    stretch = last.window if joined else 1
    stretches = g.taps if not joined else g.along[0].window * g.along[1].window
    sizes = {
        **cut.sizes(), "columns": each, "panels": panels, "share": share, "ranges": ranges,
        "tasks": tasks, "several": several, "stretch": stretch,
        "stretches": stretches, "run": stretch * g.inputs,
    }  # fmt: skip
    rows = cut.lines * cut.span + SPARE
    uses: list[tuple[Tensor | Workspace, str, Shape, Access]] = [
        (x, "x", g.x_shape(), "r"),
        (f, "f", f.type.dims, "r"),
        (y, "y", (g.places, g.outputs), "w"),
        (Workspace(g.dtype, (cut.halo,), per_chunk=True), "p", (0, cut.halo), "rw"),
        (Workspace("int64", (rows,), per_chunk=True), "rows", (0, rows), "rw"),
        (Workspace("int64", (stretches,), per_chunk=True), "steps", (0, stretches), "rw"),
    ]
    made = dims.product((cut.lines, cut.span, smallest(share * width, g.outputs)))
    inner = several * made * g.depth
    final = Final(("i0", "i1"), ("j0", "j1"), 0, len(y.type.dims) - 1)
    facts = g.facts(
        "convolve", several * cut.lines * cut.span, smallest(share * width, g.outputs), "gathered",
        picture=HALO, filter=LAID_OUT,
    )  # fmt: skip
    extent = dims.ceildiv(tasks, several)
    return _lowered("convolve", PANELS, g, sizes, uses, extent, inner, NANOSECONDS, facts, final)


def lower_filter_lines(node: Node) -> Lowered:
    """The kernel of a ``convolve_filter_lines``."""
    (x, ct), y = node.operands, node.outputs[0]
    op: Any = node.op
    along = op.along(x.type, ct.type)
    g = Geometry.of(x, along, (1,) * len(along), op.window[-1], ct.type.dims[-1])
    width = panel_width(y.dtype.size)
    columns = dims.floordiv(g.outputs, dims.maximum(1, g.groups))
    panels = dims.ceildiv(columns, width)
    share = WIDEST if g.groups == 1 else g.groups * panels
    wides = dims.maximum(1, dims.ceildiv(g.groups * panels, dims.maximum(1, share)))
    each, pieces = _channel_ranges(g, smallest(columns, WIDEST * width))
    part = dims.ceildiv(g.batch * g.along[0].count * g.along[1].count, op.parts)
    cut = Blocks.of(g, g.channels if pieces == 1 else each, SUMMED_PLACES, part)
    blocks = dims.maximum(1, dims.ceildiv(part, cut.lines)) * cut.spans
    sizes = {
        **cut.sizes(), "columns": columns, "panels": panels, "share": share, "wides": wides,
        "each": each, "taps": g.taps if pieces == 1 else 1, "pieces": pieces * wides,
        "products": 1 if pieces == 1 else g.taps, "part_lines": part, "blocks": blocks,
    }  # fmt: skip
    rows = (g.taps if pieces == 1 else 1) * each + SPARE
    places = cut.lines * cut.span
    uses: list[tuple[Tensor | Workspace, str, Shape, Access]] = [
        (x, "x", g.x_shape(), "r"),
        (ct, "d", (g.places, g.outputs), "r"),
        (y, "y", (op.parts, g.depth, g.outputs), "rw"),
        (Workspace(g.dtype, (cut.halo,), per_chunk=True), "p", (0, cut.halo), "rw"),
        (Workspace(g.dtype, (places, width), per_chunk=True), "packed", (0, places, width), "rw"),
        (Workspace("int64", (rows,), per_chunk=True), "rows", (0, rows), "rw"),
        (Workspace("int64", (cut.lines,), per_chunk=True), "steps", (0, cut.lines), "rw"),
    ]
    tile = dims.product((g.taps, each, smallest(share * width, g.outputs)))
    inner = dims.product((part, g.along[2].count, tile))
    extent = op.parts * pieces * wides
    facts = g.facts(
        "convolve filter", g.taps * each, smallest(share * width, g.outputs), "gathered", op.parts,
        picture=HALO, cotangent="packed",
    )  # fmt: skip
    return _lowered(
        "convolve_filter", FILTER_LINES, g, sizes, uses, extent, inner, NANOSECONDS, facts
    )


def _channel_ranges(g: Geometry, columns: Dim) -> tuple[Dim, Dim]:
    """Channels of a task of a filter's gradient, and how many such ranges there are."""
    taps, inputs = g.taps, g.inputs
    if g.groups != 1 or not isinstance(taps, int) or not isinstance(inputs, int):
        return inputs, 1
    wide = columns if isinstance(columns, int) else 1
    most = max(LEAST_CHANNELS, SUMS // max(1, taps * wide))
    if inputs <= most:
        return inputs, 1
    each = LEAST_CHANNELS * -(-inputs // (-(-inputs // most) * LEAST_CHANNELS))
    return each, -(-inputs // each)


def lower_filter_panels(node: Node) -> Lowered:
    """The kernel of a ``filter_panels``."""
    f, y = node.operands[0], node.outputs[0]
    op: Any = node.op
    dtype = str(y.dtype)
    *windows, inputs, outputs = f.type.dims
    taps = dims.product(windows)
    count, depth, width = y.type.dims
    panels = dims.floordiv(count, dims.maximum(1, op.groups))
    sizes = {
        "taps": taps, "panels": panels, "inputs": inputs, "turned": int(op.turned),
        "each": dims.floordiv(outputs, dims.maximum(1, op.groups)),
    }  # fmt: skip
    uses = [
        Use(f, "f", (taps, inputs, outputs), dtype, "r"),
        Use(y, "y", (count, depth, width), dtype, "w"),
    ]
    kernel = Kernel(
        "filter_panels",
        written(FILTER, "filter_panels", dtype, False, sizes),
        tuple(Operand(use.name, dtype, 3, use.access) for use in uses),
        (Constant("c0", dtype, 0.0),),
        tuple(sizes),
    )
    inner = dims.floordiv(depth, dims.maximum(1, taps)) * width
    return Lowered(kernel, uses, list(sizes.values()), count * taps, inner, PACKING)
