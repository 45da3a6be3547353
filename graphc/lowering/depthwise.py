"""Convolutions of one input and one output to a group, straight along the channels."""

from __future__ import annotations

from graphc.codegen.kernel import Access
from graphc.ir import dims
from graphc.ir.dims import Shape
from graphc.ir.graph import Node, Tensor
from graphc.lowering.geometry import Geometry, lowered, suffix
from graphc.lowering.nest import Lowered, Workspace

NANOSECONDS = 0.1  # per tap and channel

CHANNELS = """\
# y[r] = the sum over taps of x * f, channel by channel
def NAME(args, start, stop):
    x, f, y = views(args, 3)
    SIZES
    for t in range(start, stop):
        for o in range(count2):
            r = t * count2 + o
            PLACE
            for c in range(channels):
                y[t, o, c] = c0
            tap = 0
            for u in range(window0):
                for v in range(window1):
                    LINE
                    for w in range(window2):
                        TAP
                        if beyond:
                            for c in range(channels):
                                y[t, o, c] = y[t, o, c] + c0 * f[tap, c]
                        else:
                            for c in range(channels):
                                y[t, o, c] = y[t, o, c] + x[n, a, b, e + c] * f[tap, c]
                        tap = tap + 1
    return 0
"""


FILTER_CHANNELS = """\
# y[s, tap] = the sum over the places of part s of x * d, channel by channel
def NAME(args, start, stop):
    x, d, y = views(args, 3)
    SIZES
    for t in range(start, stop):
        s = idiv(t, all_taps)
        tap = t - s * all_taps
        uv = idiv(tap, window2)
        w = tap - uv * window2
        u = idiv(uv, window1)
        v = uv - u * window1
        for c in range(channels):
            y[s, tap, 0, c] = c0
        begin = minimum(s * part_rows, places)
        for r in range(begin, minimum(begin + part_rows, places)):
            PLACE
            LINE
            TAP
            if beyond:
                for c in range(channels):
                    y[s, tap, 0, c] = y[s, tap, 0, c] + c0 * d[r, c]
            else:
                for c in range(channels):
                    y[s, tap, 0, c] = y[s, tap, 0, c] + x[n, a, b, e + c] * d[r, c]
    return 0
"""


def lower_channels(node: Node, g: Geometry) -> Lowered:
    (x, f), y = node.operands, node.outputs[0]
    last = g.along[-1].count
    rows = g.batch * g.along[0].count * g.along[1].count
    uses: list[tuple[Tensor | Workspace, str, Shape, Access]] = [
        (x, "x", g.x_shape(), "r"),
        (f, "f", (g.taps, g.channels), "r"),
        (y, "y", (rows, last, g.channels), "rw"),
    ]
    inner = dims.product((last, g.taps, g.channels))
    name = "convolve_channels" + suffix(g)
    return lowered(name, CHANNELS, g, g.sizes(), uses, rows, inner, NANOSECONDS)


def lower_channels_filter(node: Node, g: Geometry) -> Lowered:
    (x, ct), y = node.operands, node.outputs[0]
    parts = node.op.parts
    part = dims.ceildiv(g.places, parts)
    sizes = {**g.sizes(), "places": g.places, "part_rows": part, "all_taps": g.taps}
    uses: list[tuple[Tensor | Workspace, str, Shape, Access]] = [
        (x, "x", g.x_shape(), "r"),
        (ct, "d", (g.places, g.outputs), "r"),
        (y, "y", (parts, g.taps, g.inputs, g.outputs), "rw"),
    ]
    inner = dims.product((part, g.outputs))
    name = "convolve_filter_channels"
    return lowered(name, FILTER_CHANNELS, g, sizes, uses, parts * g.taps, inner, NANOSECONDS)
