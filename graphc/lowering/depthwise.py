"""Convolutions of one input to a group, straight along the channels.

A step is a line of places, of one picture.  The words of :mod:`graphc.codegen.channels` do a line;
here is which taps they are given.  Where the elements of the picture stand apart, of all taps along
an axis every so many meet one, and which depends on where the window begins; places that begin
alike are done together.  So are those whose windows, set apart, see the same columns.
"""

from __future__ import annotations

import textwrap
from math import gcd

from graphc.codegen.channels import MULTIPLIERS, channel_word
from graphc.codegen.kernel import Access
from graphc.ir import dims
from graphc.ir.dims import Shape
from graphc.ir.graph import Node, Tensor
from graphc.lowering.facts import IN_PLACE
from graphc.lowering.geometry import Geometry, lowered, suffix
from graphc.lowering.nest import Lowered, Workspace

NANOSECONDS = 0.012  # per tap and channel

_CHANNELS = """\
# y[t] = the sums over taps of x * f, channel by channel
def NAME(args, start, stop):
    x, f, y = views(args, 3)
    SIZES
    t = start
    while t < stop:
        r = t * count2
        PLACE
        rows = minimum(stop - t, ROWS)
        LINES
        for o in range(minimum(EVERY, count2)):
            j = o * stride2 - before2
            places = idiv(count2 - o + EVERY - 1, EVERY)
            TAPS
        t = t + rows
    return 0
"""

# Along an axis: the first tap that meets an element, how many do, and where the first stands.
_MEETING = """\
first{k} = 0
for guess in range({period} - 1):
    if imod({at} + first{k} * {dilation}, {gap}) != 0:
        first{k} = first{k} + 1
taps{k} = maximum(idiv(window{k} - first{k} + {period} - 1, {period}), 0)
{at} = {at} + first{k} * {dilation}
if imod({at}, {gap}) != 0:
    taps{k} = 0
{at} = idiv({at}, {gap})
"""

_FILTER = """\
# y[s, tap] = the sum over the places of part s of x * d, channel by channel
def NAME(args, start, stop):
    x, d, y = views(args, 3)
    SIZES
    for s in range(start, stop):
        for tap in range(window0 * window1 * window2):
            for c in range(outputs):
                y[s, tap, c] = c0
        first = minimum(s * part_rows, places)
        last = minimum(first + part_rows, places)
        r = first
        PLACE
        for some in range((idiv(last - 1, count2) - r1 + 1) * minimum(last - first, 1)):
            many = minimum(count2 - q, last - r)
            j = q * stride2 - before2
            WORD(part(x, n), d, part(y, s), WHERE, r, many, outputs)
            r = r + many
            q = 0
            q1 = q1 + 1
            i = i + stride1
            if q1 == count1:
                q1 = 0
                i = 0 - before1
                q0 = q0 + 1
                z = z + stride0
                if q0 == count0:
                    q0 = 0
                    z = 0 - before0
                    n = n + 1
    return 0
"""


def multiplier(g: Geometry) -> int | None:
    """Outputs of a channel, where a convolution goes along the channels."""
    if g.inputs != 1 or not g.has_tiles or not isinstance(g.along[2].window, int):
        return None
    if g.outputs == g.channels:
        return 1
    if not isinstance(g.channels, int) or not isinstance(g.outputs, int) or g.channels < 2:
        return None
    each = g.outputs // g.channels
    return each if each in MULTIPLIERS else None


def _where(plane: str, line: str, column: str, along: tuple[int, int, int]) -> str:
    """The numbers of a call that say where the window stands."""
    stride, step, taps = along
    return f"z, {plane}, in0, i, {line}, in1, {column}, {stride}, {step}, {taps}, in2"


def lower_channels(node: Node, g: Geometry) -> Lowered:
    """The kernel of a ``convolve`` of one input to a group."""
    (x, f), y = node.operands, node.outputs[0]
    last = g.along[-1].count
    rows = g.batch * g.along[0].count * g.along[1].count
    uses: list[tuple[Tensor | Workspace, str, Shape, Access]] = [
        (x, "x", g.x_shape(), "r"),
        (f, "f", (g.taps, g.outputs), "r"),
        (y, "y", (rows, last * g.outputs), "w"),
    ]
    inner = dims.product((last, g.taps, g.outputs))
    name = "convolve_channels" + suffix(g)
    facts = g.facts("convolve", last, g.outputs, "channels", picture=IN_PLACE, filter=IN_PLACE)
    text = _channels_text(g)
    return lowered(name, text, g, g.sizes(), uses, rows, inner, NANOSECONDS, facts)


def _channels_text(g: Geometry) -> str:
    gap, last = g.gaps[2], g.along[2]
    onward, step = last.stride // gcd(gap, last.stride), last.dilation // gcd(gap, last.dilation)
    alike = step // gcd(onward, step)  # of places that meet the same taps, those that see the same
    every = gap // gcd(gap, last.stride) * alike
    lines, planes = (_meeting(g, k, at) for k, at in ((1, "i"), (0, "z")))
    period = gap // gcd(gap, last.dilation)
    calls = []
    for begin in range(gap):
        meets = (w for w in range(period) if (begin + w * last.dilation) % gap == 0)
        first = next(meets, last.window)
        taps = max(0, -(-(last.window - first) // period))
        calls.append(_call(g, first, (onward * alike, step, taps), every, period))
    if gap == 1:
        chosen = calls[0]
    else:
        parts = (f"if begin == {k}:\n{textwrap.indent(c, '    ')}" for k, c in enumerate(calls))
        chosen = f"begin = imod(j, {gap})\n" + "".join(parts)
    text = _CHANNELS.replace("EVERY", str(every))
    text = text.replace("ROWS", "count1 - q1" if g.gaps[1] == 1 else "1")
    text = text.replace("            TAPS\n", textwrap.indent(chosen, " " * 12))
    return text.replace("        LINES\n", textwrap.indent(planes + lines, " " * 8))


def _meeting(g: Geometry, k: int, at: str) -> str:
    gap, dilation = g.gaps[k], g.along[k].dilation
    if gap == 1:
        return ""
    period = gap // gcd(gap, dilation)
    return _MEETING.format(k=k, at=at, gap=gap, dilation=dilation, period=period)


def _call(g: Geometry, first: int, along: tuple[int, int, int], every: int, period: int) -> str:
    """The call for places whose windows meet an element first at tap ``first`` of a line."""
    gap, dilation, made = g.gaps[2], g.along[2].dilation, multiplier(g)
    column = "j" if gap == 1 else f"idiv(j + {first * dilation}, {gap})"
    axes, tap, steps = [], str(first), []
    for k, inside in enumerate(("window1 * window2", "window2")):
        if g.gaps[k] == 1:
            axes.append(f"dilation{k}, window{k}")
            steps.append(inside)
            continue
        common = gcd(g.gaps[k], g.along[k].dilation)
        axes.append(f"{g.along[k].dilation // common}, taps{k}")
        steps.append(f"{g.gaps[k] // common} * {inside}")
        tap = f"{tap} + first{k} * {inside}"
    where = _where(axes[0], axes[1], column, along)
    assert made is not None
    return (
        f"{channel_word('slide_channels', made)}(\n"
        f"    part(x, n), f, y, {where},\n"
        f"    {tap}, {', '.join(steps)}, {period}, o, {every}, places, outputs, t, rows, stride1,\n"
        ")\n"
    )


def lower_channels_filter(node: Node, g: Geometry) -> Lowered:
    """The kernel of a ``convolve_filter`` of one input to a group."""
    (x, ct), y = node.operands, node.outputs[0]
    parts, last, made = node.op.parts, g.along[2], multiplier(g)
    assert made is not None
    sizes = {**g.sizes(), "places": g.places, "part_rows": dims.ceildiv(g.places, parts)}
    uses: list[tuple[Tensor | Workspace, str, Shape, Access]] = [
        (x, "x", g.x_shape(), "r"),
        (ct, "d", (g.places, g.outputs), "r"),
        (y, "y", (parts, g.taps, g.outputs), "rw"),
    ]
    along = (last.stride, last.dilation, last.window)
    where = _where("dilation0, window0", "dilation1, window1", "j", along)
    text = _FILTER.replace("WORD", channel_word("channel_products", made)).replace("WHERE", where)
    inner = dims.product((sizes["part_rows"], g.taps, g.outputs))
    name = "convolve_filter_channels"
    facts = g.facts(
        "convolve filter", g.taps, g.outputs, "channels", parts, picture=IN_PLACE,
        cotangent=IN_PLACE,
    )  # fmt: skip
    return lowered(name, text, g, sizes, uses, parts, inner, NANOSECONDS, facts)
