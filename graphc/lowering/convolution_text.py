"""The kernel texts of :mod:`graphc.lowering.convolution`.

``PLACE``, ``LINE``, ``TAP`` and ``RUN`` in a text stand for the fragments below, indented
as they stand; :func:`written` puts them in.  A row ``r`` is a place of the window: ``n``, the
picture, and ``z, i, j``, where its first element stands (before the edge: negative).
"""

from __future__ import annotations

import textwrap

AXES = 3

# Where the window of row r stands.
_PLACE = """\
r1 = idiv(r, count2)
q = r - r1 * count2
j = q * stride2 - before2
r0 = idiv(r1, count1)
q1 = r1 - r0 * count1
i = q1 * stride1 - before1
n = idiv(r0, count0)
q0 = r0 - n * count0
z = q0 * stride0 - before0
"""

# Line (u, v) of the window: at (a, b) of the picture, unless that is outside.
_LINE = """\
a = z + u * dilation0
b = i + v * dilation1
outside = out_of_range(a, in0) or out_of_range(b, in1)
"""
_LINE_GAPPED = """\
a1 = z + u * dilation0
b1 = i + v * dilation1
a = idiv(a1, gap0)
b = idiv(b1, gap1)
outside = out_of_range(a, in0) or out_of_range(b, in1) or a * gap0 != a1 or b * gap1 != b1
"""

# Tap w of that line: its channels start at element e of the line.
_TAP = """\
e = j + w * dilation2
beyond = outside or out_of_range(e, in2)
e = e * channels
"""
_TAP_GAPPED = """\
e1 = j + w * dilation2
e = idiv(e1, gap2)
beyond = outside or out_of_range(e, in2) or e * gap2 != e1
e = e * channels
"""

# Run w of the line: elements lo .. hi of it are inside the picture.
_RUN = """\
e = (j + w * dilation2) * channels + c
lo = minimum(maximum(0 - e, 0), run)
hi = maximum(minimum(in2 * channels - e, run), lo)
"""
BACK = """\
# x = the sum of what each place passes back to what its window sees: d[r] @ f
def NAME(args, start, stop):
    d, f, x, p = views(args, 4)
    SIZES
    slot = take_slot(args)
    made = part(p, slot)
    for t in range(start, stop):
        n = idiv(t, bands)
        begin = (t - n * bands) * band
        end = minimum(begin + band, in1)
        for b in range(begin, end):
            for k in range(in2 * channels):
                x[n, b, k] = c0
        q0 = maximum(idiv(begin + before1 - reach1 + stride1, stride1), 0)
        q2 = minimum(idiv(end - 1 + before1, stride1) + 1, count1)
        for block in range(idiv(maximum(q2 - q0, 0) + lines - 1, lines)):
            first = q0 + block * lines
            last = minimum(first + lines, q2)
            above = (n * count1 + first) * count2
            for panel in range(panels):
                j0 = panel * WIDTH
                j1 = minimum(j0 + WIDTH, depth)
                rows = (last - first) * count2
                multiply_block(d, f, made, 0, 0, rows, above, 0, 0, j0, j1, outputs)
            r = 0
            for q in range(first, last):
                for o in range(count2):
                    j = o * stride2 - before2
                    to = 0
                    for v in range(window1):
                        b = q * stride1 + v * dilation1 - before1
                        for w in range(taps):
                            if b >= begin and b < end:
                                c = 0
                                RUN
                                for k in range(lo, hi):
                                    x[n, b, e + k] = x[n, b, e + k] + made[r, to + k]
                            to = to + run
                    r = r + 1
        EPILOGUE
    give_slot(args, slot)
    return 0
"""

DOTS = """\
# y[r, o] = the sum over taps and inputs of x * f
def NAME(args, start, stop):
    x, f, y = views(args, 3)
    SIZES
    for r in range(start, stop):
        PLACE
        for o in range(outputs):
            g = idiv(o, columns) * inputs
            s0 = c0
            tap = 0
            for u in range(window0):
                for v in range(window1):
                    LINE
                    for w in range(window2):
                        TAP
                        if beyond:
                            for c in range(inputs):
                                s0 = accumulate(s0, mul(c0, f[tap, c, o]))
                        else:
                            for c in range(inputs):
                                s0 = accumulate(s0, mul(x[n, a, b, e + g + c], f[tap, c, o]))
                        tap = tap + 1
            y[r, o] = s0
        EPILOGUE
    return 0
"""

FILTER_DOTS = """\
# y[s, tap, c, o] = the sum over the places of part s of x * d
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
        begin = minimum(s * part_rows, places)
        for c in range(inputs):
            for o in range(outputs):
                g = idiv(o, columns) * inputs
                s0 = c0
                for r in range(begin, minimum(begin + part_rows, places)):
                    PLACE
                    LINE
                    TAP
                    if beyond:
                        s0 = accumulate(s0, mul(c0, d[r, o]))
                    else:
                        s0 = accumulate(s0, mul(x[n, a, b, e + g + c], d[r, o]))
                y[s, tap, c, o] = s0
    return 0
"""

_PLAIN = {"LINE": _LINE, "TAP": _TAP, "RUN": _RUN}
_GAPPED = {"LINE": _LINE_GAPPED, "TAP": _TAP_GAPPED}


def written(text: str, name: str, gapped: bool, sizes: tuple[str, ...]) -> str:
    """A text with its fragments in their places."""
    fragments = {
        "PLACE": _PLACE, **(_GAPPED if gapped else _PLAIN),
        "SIZES": f"{', '.join(sizes)} = sizes(args, {len(sizes)})\n",
    }  # fmt: skip
    for key, fragment in fragments.items():
        lines = []
        for line in text.splitlines():
            body = line.strip()
            lines.append(
                textwrap.indent(fragment, line[: len(line) - len(body)]).rstrip("\n")
                if body == key
                else line
            )
        text = "\n".join(lines) + "\n"
    return text.replace("NAME", name)
