"""Kernels over windows that slide over pictures: folds of a window, and their transposes.

A picture is seen as ``[n, depth, height, width, channels]``, whatever its spatial rank.  The
innermost loop runs along the channels.  A *fold* gives one number per window: its steps are rows of
windows.  A *spread* adds what each window gives to the pixels it covers: its steps are rows of
pixels, each of which meets the windows over it in order, so no two chunks write one pixel.

Windows of few pixels that lie inside the picture are spelt out, with a register for the result;
others go over their pixels, with the result in memory or (storage types) in a register per channel.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

from graphc.codegen.kernel import Constant, Kernel, Operand
from graphc.ir import dims
from graphc.ir.dims import Dim, Shape
from graphc.ir.graph import Node, Tensor
from graphc.lowering.nest import Lowered, Use

NANOSECONDS = 0.15  # per pixel of a window and channel
SPELT_OUT = 16  # pixels of a window written one by one


@dataclass(frozen=True)
class Fold:
    """``t = step(t, x)`` over a window's pixels, then ``y = finish(t)``.

    In the texts {t} is the result so far, {x} a pixel, {at} its number in the window, {m} the
    second operand at this window, {n} how many pixels there are; c0 is ``initial``.
    """

    name: str
    step: str
    finish: str = "{t}"
    backwards: bool = False  # over the pixels: the last to be met is the first


MAXIMUM = Fold("max_pool", "maximum({t}, {x})")
MEAN = Fold("avg_pool", "{t} + {x}", "{t} / {n}")
FIRST = Fold("first_maximum", "where(logical_or(eq({x}, {m}), ne({x}, {x})), {at}, {t})",
             backwards=True)  # fmt: skip
FIRST_WHOLE = Fold("first_maximum", "where(eq({x}, {m}), {at}, {t})", backwards=True)
CHOSEN = Fold("chosen_pixel", "where(eq({m}, {at}), {x}, {t})")

_WORDS = {"max_pool": "slide_maximum", "avg_pool": "slide_mean"}
_TILED = ("float32", "float64")

# A line of windows.
_LINE = """\
# NAME of each window, a line at a time
def NAME(args, start, stop):
    VIEWS
    SIZES
    for r in range(start, stop):
        o = idiv(r, rows)
        b = idiv(o, deep)
        front = (o - b * deep) * sd - fd
        top = (r - o * rows) * sh - fh
        WORD(
            part(x, b), OUT, front, 1, wd, depth, top, 1, wh, height, 0 - fw, STEPS, width, columns,
            channels,
        )
    return 0
"""

# A line of pixels: which lines of windows are over it, and, for pixels alike, which columns.
_SPREAD = """\
# x to the chosen pixel of each window, a line of pixels at a time
def spread_chosen_lines(args, start, stop):
    x, m, y = views(args, 3)
    SIZES
    for r in range(start, stop):
        o = idiv(r, height)
        h = r - o * height
        b = idiv(o, depth)
        d = o - b * depth
        k = idiv(maximum(d + fd - wd + sd, 0), sd)
        i = idiv(maximum(h + fh - wh + sh, 0), sh)
        planes = minimum(idiv(d + fd, sd) + 1, deep) - k
        lines = minimum(idiv(h + fh, sh) + 1, rows) - i
        first = ((d + fd - k * sd) * wh + h + fh - i * sh) * ww
        for w in range(minimum(sw, width)):
            places = idiv(width - w + sw - 1, sw)
            begin = imod(w + fw, sw)
            CALLS
    return 0
"""

_SIZES = "depth height width channels deep rows columns wd wh ww sd sh sw fd fh fw"


def _are_apart(op: Any) -> bool:
    """Whether no pixel is in two windows: then there is nothing to keep in registers."""
    return all(s >= w for s, w in zip(op.strides, op.window, strict=True))


def lower_fold(node: Node, fold: Fold, initial: float) -> Lowered:
    """One number per window and channel."""
    if fold.name in _WORDS and str(node.outputs[0].dtype) in _TILED and not _are_apart(node.op):
        return _lower_lines(node, fold.name, _WORDS[fold.name])
    x, y = node.operands[0], node.outputs[0]
    at = y if fold in (FIRST, FIRST_WHOLE) else node.operands[-1]
    lanes = y.dtype.computed is y.dtype or fold is not MEAN
    text = _fold_text(fold, node.op.window, lanes, str(y.dtype.computed), str(at.dtype))
    seen, sizes = _geometry(node, x, y)
    uses = [Use(x, "x", seen, str(x.dtype), "r")]
    whole = _rows(y)
    if len(node.operands) > 1:
        uses.append(Use(node.operands[1], "m", whole, str(node.operands[1].dtype), "r"))
    uses.append(Use(y, "y", whole, str(y.dtype), "rw" if lanes else "w"))
    start = float(initial) if y.dtype.is_floating else int(initial)
    constants = (Constant("c0", str(y.dtype.computed), start),)
    return _lowered(node, fold.name, text, uses, constants, sizes, whole)


def _lower_lines(node: Node, name: str, word: str) -> Lowered:
    x, y = node.operands[0], node.outputs[0]
    seen, sizes = _geometry(node, x, y)
    line = (_rows(y)[0], dims.product(_rows(y)[1:]))
    uses = [Use(x, "x", _lines(seen), str(x.dtype), "r")]
    uses.append(Use(y, "y", line, str(y.dtype), "w"))
    width, stride = (values[-1] for values in (node.op.window, node.op.strides))
    text = _LINE.replace("NAME", name).replace("WORD", word)
    text = text.replace("STEPS", f"{stride}, 1, {width}")
    text = text.replace("OUT", "part(y, r)")
    return _lowered(node, name, _headed(text, ["x", "y"]), uses, (), sizes, _rows(y))


def _lines(seen: Shape) -> Shape:
    """A picture whose lines are one axis, pixels and channels."""
    return (*seen[:3], seen[3] * seen[4])


def _headed(text: str, views: list[str]) -> str:
    names = _SIZES.split()
    text = text.replace("VIEWS", f"{', '.join(views)} = views(args, {len(views)})")
    return text.replace("SIZES", f"{', '.join(names)} = sizes(args, {len(names)})")


def _lower_chosen_lines(node: Node) -> Lowered:
    """Each window's ``x`` to its chosen pixel: a pixel looks at the windows over it."""
    (x, m), y = node.operands, node.outputs[0]
    seen, sizes = _geometry(node, y, x)
    windows = (seen[0], *_grid(x), seen[-1])
    uses = [
        Use(x, "x", _lines(windows), str(x.dtype), "r"),
        Use(m, "m", _lines(windows), str(m.dtype), "r"),
        Use(y, "y", (_rows(y)[0], dims.product(_rows(y)[1:])), str(y.dtype), "w"),
    ]
    width, stride = node.op.window[-1], node.op.strides[-1]
    calls = []
    for begin in range(stride):
        taps = max(0, -(-(width - begin) // stride))
        last = begin + (taps - 1) * stride if taps else 0
        calls.append(
            f"if begin == {begin}:\n"
            f"    j = idiv(w + fw - {last}, sw)\n"
            "    spread_chosen(\n"
            "        part(x, b), part(m, b), part(y, r), k, 1, planes, deep, i, 1, lines, rows,\n"
            f"        j, 1, 1, {taps}, columns, first + {last}, 0 - sd * wh * ww, 0 - sh * ww,\n"
            "        0 - sw, w, sw, places, channels,\n"
            "    )\n"
        )
    text = _SPREAD.replace("            CALLS\n", textwrap.indent("".join(calls), " " * 12))
    return _lowered(node, "spread_chosen_lines", _headed(text, []), uses, (), sizes, _rows(y))


def lower_spread(node: Node, chosen: bool) -> Lowered:
    """To each pixel what the windows over it give: ``x`` to the ``chosen`` pixel, or a mean's
    share to each."""
    if chosen and str(node.operands[1].dtype) == "uint8" and not _are_apart(node.op):
        return _lower_chosen_lines(node)
    x, y = node.operands[0], node.outputs[0]
    text = _spread_text(node.op, chosen, str(y.dtype), str(node.operands[-1].dtype))
    seen, sizes = _geometry(node, y, x)
    uses = [Use(x, "x", (*seen[:1], *_grid(x), seen[-1]), str(x.dtype), "r")]
    if chosen:
        at = node.operands[1]
        uses.append(Use(at, "m", uses[0].shape, str(at.dtype), "r"))
    whole = _rows(y)
    uses.append(Use(y, "y", whole, str(y.dtype), "rw"))
    constants = tuple(Constant(f"c{k}", str(y.dtype), float(k)) for k in (0, 1))
    return _lowered(node, "spread", text, uses, constants, sizes, whole)


def _lowered(
    node: Node, name: str, text: str, uses: list[Use], constants: tuple, sizes: list, whole: Shape
) -> Lowered:
    operands = tuple(Operand(u.name, u.dtype, len(u.shape), u.access) for u in uses)
    kernel = Kernel(name, text, operands, constants, tuple(_SIZES.split()))
    pixels = dims.product(node.op.window)
    return Lowered(kernel, uses, sizes, whole[0], whole[1] * whole[2] * pixels, NANOSECONDS)


def _grid(tensor: Tensor) -> tuple[Dim, ...]:
    """The spatial sizes of a tensor, as three."""
    sizes = tensor.type.dims[1:-1]
    return (*(1 for _ in range(3 - len(sizes))), *sizes)


def _rows(tensor: Tensor) -> Shape:
    depth, height, width = _grid(tensor)
    return (tensor.type.dims[0] * depth * height, width, tensor.type.dims[-1])


def _geometry(node: Node, picture: Tensor, windows: Tensor) -> tuple[Shape, list[Dim]]:
    """The picture's shape as five axes, and the sizes that the texts name."""
    op = node.op
    fronts = [front for _, front in op.places(picture.type)]
    three = [
        (*(unit for _ in range(3 - len(values))), *values)
        for values, unit in ((op.window, 1), (op.strides, 1), (fronts, 0))
    ]
    seen = (picture.type.dims[0], *_grid(picture), picture.type.dims[-1])
    return seen, [*seen[1:], *_grid(windows), *(v for values in three for v in values)]


def _head(name: str, says: str, views: list[str]) -> list[str]:
    return [
        f"# {says}",
        f"def {name}(args, start, stop):",
        f"    {', '.join(views)} = views(args, {len(views)})",
        f"    {', '.join(_SIZES.split())} = sizes(args, {len(_SIZES.split())})",
        "    for r in range(start, stop):",
    ]


def _indent(lines: list[str], levels: int) -> list[str]:
    return ["    " * levels + line for line in lines]


def _fold_text(fold: Fold, window: tuple[int, ...], lanes: bool, dtype: str, numbered: str) -> str:
    views = ["x", *(["m"] if "{m}" in fold.step else []), "y"]
    lines = [
        *_head(fold.name, f"{fold.name} of each window", views),
        "        o = idiv(r, rows)",
        "        b = idiv(o, deep)",
        "        front = (o - b * deep) * sd - fd",
        "        top = (r - o * rows) * sh - fh",
        *_indent(_clipped("u", "front", "depth", "wd") + _clipped("p", "top", "height", "wh"), 2),
        "        for j in range(columns):",
        "            left = j * sw - fw",
        *_indent(_clipped("q", "left", "width", "ww"), 3),
        "            taken = (u1 - u0) * (p1 - p0) * (q1 - q0)",
    ]
    if "{n}" in fold.finish:
        lines.append(f"            n = to_{dtype}(taken)")
    count = 1
    for size in window:
        count *= size
    general = (_by_lanes if lanes else _by_channel)(fold, numbered)
    if count <= SPELT_OUT:
        lines += [
            "            if taken == wd * wh * ww:",
            *_indent(_spelt_out(fold, window, numbered), 4),
            "            else:",
            *_indent(general, 4),
        ]
    else:
        lines += _indent(general, 3)
    return "\n".join([*lines, "    return 0"]) + "\n"


def _clipped(name: str, first: str, size: str, window: str) -> list[str]:
    """The part ``[name0, name1)`` of a window's axis that lies inside the picture."""
    return [
        f"{name}0 = maximum(0 - {first}, 0)",
        f"{name}1 = minimum({size} - {first}, {window})",
    ]


def _spelt_out(fold: Fold, window: tuple[int, ...], numbered: str) -> list[str]:
    deep, high, wide = (*(1 for _ in range(3 - len(window))), *window)
    pixels = [(u, p, q) for u in range(deep) for p in range(high) for q in range(wide)]
    lines = ["for c in range(channels):", "    t = c0"]
    if "{m}" in fold.step:
        lines.append("    k = m[r, j, c]")
    for u, p, q in reversed(pixels) if fold.backwards else pixels:
        x = f"x[b, {_plus('front', u)}, {_plus('top', p)}, {_plus('left', q)}, c]"
        at = f"to_{numbered}({(u * high + p) * wide + q})"
        lines += [f"    v = {x}", f"    t = {fold.step.format(t='t', x='v', at=at, m='k')}"]
    return [*lines, f"    y[r, j, c] = {fold.finish.format(t='t', n='n')}"]


def _plus(name: str, number: int) -> str:
    return f"{name} + {number}" if number else name


def _pixels(fold: Fold, numbered: str, body: list[str]) -> list[str]:
    """Loops over a window's pixels inside the picture; ``body`` knows {x} as ``x[place, c]``."""
    where = ["d", "h", "w"]
    axes = zip("upq", where, ("front", "top", "left"), strict=True)
    lines: list[str] = []
    for level, (name, place, first) in enumerate(axes):
        step = f"{name}1 - 1 - {name}" if fold.backwards else f"{name}0 + {name}"
        lines += _indent(
            [
                f"for {name} in range({name}1 - {name}0):",
                f"    {name}x = {step}",
                f"    {place} = {first} + {name}x",
            ],
            level,
        )
    if "{at}" in fold.step:
        lines.append("            at = " + f"to_{numbered}((ux * wh + px) * ww + qx)")
    return lines + _indent(body, 3)


def _by_lanes(fold: Fold, numbered: str) -> list[str]:
    step = fold.step.format(t="y[r, j, c]", x="v", at="at", m="m[r, j, c]")
    body = ["for c in range(channels):", "    v = x[b, d, h, w, c]", f"    y[r, j, c] = {step}"]
    lines = ["for c in range(channels):", "    y[r, j, c] = c0", *_pixels(fold, numbered, body)]
    if fold.finish != "{t}":
        finish = fold.finish.format(t="y[r, j, c]", n="n")
        lines += ["for c in range(channels):", f"    y[r, j, c] = {finish}"]
    return lines


def _by_channel(fold: Fold, numbered: str) -> list[str]:
    step = fold.step.format(t="t", x="v", at="at", m="m[r, j, c]")
    body = ["v = x[b, d, h, w, c]", f"t = {step}"]
    return [
        "for c in range(channels):",
        "    t = c0",
        *_indent(_pixels(fold, numbered, body), 1),
        f"    y[r, j, c] = {fold.finish.format(t='t', n='n')}",
    ]


def _spread_text(op: object, chosen: bool, dtype: str, numbered: str) -> str:
    views = ["x", "m", "y"] if chosen else ["x", "y"]
    given = "where(eq(m[b, k, i, j, c], at), x[b, k, i, j, c], c0)"
    apart = _are_apart(op)
    share = given if chosen else "x[b, k, i, j, c] * share"
    says = "the chosen pixel of each window" if chosen else "all pixels of each window"
    number = "((d - front) * wh + h - top) * ww + q"
    pixel = [
        "left = j * sw - fw",
        *_clipped("q", "left", "width", "ww"),
        *([] if chosen else [f"share = c1 / to_{dtype}(taken * (q1 - q0))"]),
        "for q in range(q0, q1):",
        "    w = left + q",
        *([f"    at = to_{numbered}({number})"] if chosen else []),
        "    for c in range(channels):",
        f"        y[r, w, c] = {share if apart else f'y[r, w, c] + {share}'}",
    ]  # fmt: skip
    taken = [*_clipped("u", "front", "depth", "wd"), *_clipped("p", "top", "height", "wh")]
    taken.append("taken = (u1 - u0) * (p1 - p0)")
    lines = [
        *_head("spread", f"x to {says}", views),
        "        o = idiv(r, height)",
        "        h = r - o * height",
        "        b = idiv(o, depth)",
        "        d = o - b * depth",
        "        for w in range(width):",
        "            for c in range(channels):",
        "                y[r, w, c] = c0",
        *_indent(_covering("k", "d + fd", "wd", "sd", "deep"), 2),
        *_indent(_covering("i", "h + fh", "wh", "sh", "rows"), 2),
        "        for k in range(k0, k1):",
        "            front = k * sd - fd",
        "            for i in range(i0, i1):",
        "                top = i * sh - fh",
        *_indent([] if chosen else taken, 4),
        "                for j in range(columns):",
        *_indent(pixel, 5),
    ]
    return "\n".join([*lines, "    return 0"]) + "\n"


def _covering(name: str, place: str, window: str, stride: str, count: str) -> list[str]:
    """The windows ``[name0, name1)`` that cover a place along an axis."""
    return [
        f"{name}0 = idiv(maximum({place} - {window} + {stride}, 0), {stride})",
        f"{name}1 = minimum(idiv({place}, {stride}) + 1, {count})",
    ]
