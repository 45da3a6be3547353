"""The kernel of the CTC loss: rows of a batch in parallel, a row's times one after the other.

The states of a row with ``l`` labels are ``l`` labels and ``l + 1`` blanks around them.  Going
forward, ``alpha`` is the probability of all ways into a state, going back, ``beta`` that of all
ways from it to the end (Graves, Fernandez, Gomez and Schmidhuber, "Connectionist Temporal
Classification", 2006).

Such probabilities leave the range of a float at once, and logarithms of them cost three ``exp``
and a ``log`` per state and lose digits where they are large.  So each is a pair (m, e) that means
``m * 2**e``, with ``e`` a whole number held in a float.  A sum takes the largest ``e`` and scales
the other terms by powers of two, made of bits; every :data:`KEPT` times what ``m``
has grown by moves into ``e``.  Zero is (0, about -1e30).  A probability has the digits of the
dtype however small it is: this is the log-space algorithm without its rounding.

Rows differ in their labels, whose number only the run knows.  What they need is laid end to end:
row ``b`` begins ``starts[b] + b`` places behind the first, so that the sizes of the workspaces
follow from the shapes of the operands.

In the text a pair is two arrays, named by a letter and m or e: ``l`` labels and ``k`` blanks going
forward, at every time or at two in turn, ``w`` labels and ``v`` blanks going back, ``e`` and ``s``
what labels and the blank have at each time.  A label's place in ``l`` is one further on: at 0 there
is none, which nothing reaches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from graphc.codegen.kernel import Constant, Kernel, Operand
from graphc.ir import dims
from graphc.ir.graph import Node, Tensor
from graphc.lowering.nest import Lowered, Use, Workspace

KEPT = 16  # times: until then m grows to 2**42 at the most
NANOSECONDS = 0.7  # per class and per state, of every time


@dataclass(frozen=True)
class _Floats:
    """What pairs need to know of a dtype."""

    integer: str
    digits: int
    bias: int
    split: tuple[float, float]  # ln 2 as the sum of two numbers, the first of few digits


_FLOATS = {
    "float32": _Floats("int32", 23, 127, (0.693145751953125, 1.42860676533018e-06)),
    "float64": _Floats("int64", 52, 1023, (0.6931471803691238, 1.9082149292705877e-10)),
}

_TEXT = """\
# loss = -log p(labels | x){title}
def ctc(args, start, stop):
    {views} = views(args, {count})
    time, classes, blank, batch, given, busy = sizes(args, 6)
    slot = take_slot(args)
    least = maximum(zero, minimum(to_int64(starts[start]), given))
    home = least + start
    strange = logical_or(ne(to_int64(starts[0]), 0), ne(to_int64(starts[batch]), given))
    bad = bit(strange, 0)
    for b in range(start, stop):
        n = to_int64(lengths[b])
        wrong = logical_or(lt(n, 0), gt(n, time))
        wrong = logical_or(wrong, gt(starts[b], starts[b + 1]))
{read}
        bad = bad | bit(wrong, 0)
        if wrong or ahead:
            n = 0
            l = 0
{scores}
        base = home * {rows}
        p = base
        lm[p] = nil
        le[p] = never
        lm[p + minimum(l, 1)] = nil
        le[p + minimum(l, 1)] = never
        km[p] = unit
        ke[p] = nil
        for t in range(n):
{forward}
        m1 = lm[p + l]
        e1 = le[p + l]
        m2 = km[p + l]
        e2 = ke[p + l]
        end = where(gt(e1, e2), e1, e2)
        whole = m1 * power_of_two(e1 - end) + m2 * power_of_two(e2 - end)
        spread = wide
        for column_at in range(n):
            spread = accumulate(spread, to_float64(log(total[slot, column_at])))
        spread = spread - (to_float64(log(whole)) + to_float64(end) * ln2)
        loss[b] = to_{dtype}(spread)
{backward}
    give_slot(args, slot)
    return bad
"""

# The labels of a row that count, and whether a step may lead to each from the label before it.
_READ = """\
first = maximum(to_int64(starts[b]), least)
l = 0
ended = zero
for k in range(first, minimum(to_int64(starts[b + 1]), given)):
    c = to_int64(labels[k])
    if {counts}:
        if c == blank:
            ended = one
        else:
            wrong = logical_or(wrong, logical_or(out_of_range(c, classes), gt(ended, 0)))
            c = where(out_of_range(c, classes), zero, c)
            label[home + l] = c
            barred[home + l] = nil
{bar}
            l = l + 1
barred[home + l] = nil
ahead = gt(l, n)
{refuse}
"""

# Pairs (em, ee) of exp(x - top) for labels, (sm, se) for the blank; total of it over the classes.
_SCORES = """\
own = home * time
for t in range(n):
    at = t * classes
    top = lowest
    for column_at in range(classes):
        top = maximum(top, {x_column})
    for column_at in range(classes):
        z[slot, at + column_at] = {x_column} - top
    sm[slot, t] = z[slot, at + blank]
    for column_at in range(l):
        em[own + t * l + column_at] = z[slot, at + label[home + column_at]]
for column_at in range(n * classes):
    z[slot, column_at] = exp(z[slot, column_at])
for t in range(n):
    at = t * classes
    sum = nil
    for column_at in range(classes):
        sum = accumulate(sum, z[slot, at + column_at])
    total[slot, t] = sum
{softmax}
for column_at in range(n):
    d = sm[slot, column_at]
{pair}
    sm[slot, column_at] = m
    se[slot, column_at] = q
for column_at in range(own, own + n * l):
    d = em[column_at]
{pair}
    em[column_at] = m
    ee[column_at] = q
"""

_SOFTMAX = """\
per = unit / sum
for column_at in range(classes):
    {slope_column} = z[slot, at + column_at] * per
"""

_PAIR = """\
d = where(lt(d, never), never, d)
q = floor(d * per_bit)
m = exp(fma(q, minus_rest, fma(q, minus_ln2, d)))
m = where(lt(d, far), unit, m)
m = where(eq(d, never), nil, m)
"""

_FORWARD = """\
c = {next}
now = own + t * l
low = maximum(zero, l - n + t)
high = minimum(l, t + 1)
mb = sm[slot, t]
eb = se[slot, t]
lm[c] = nil
le[c] = never
for column_at in range(low, high):
    m0 = lm[p + column_at + 1]
    e0 = le[p + column_at + 1]
    m1 = km[p + column_at]
    e1 = ke[p + column_at]
    m2 = lm[p + column_at]
    e2 = le[p + column_at]
    r = barred[home + column_at]
    m3 = where(lt(r, nil), nil, m2)
    e3 = e2 + r
    u = where(gt(e1, e2), e1, e2)
    v = where(gt(e1, e3), e1, e3)
{stay_top}
    g = {stay}m1 * power_of_two(e1 - v) + m3 * power_of_two(e3 - v)
    h = m1 * power_of_two(e1 - u) + m2 * power_of_two(e2 - u)
    lm[c + column_at + 1] = g * em[now + column_at]
    le[c + column_at + 1] = v + ee[now + column_at]
    km[c + column_at] = h * mb
    ke[c + column_at] = u + eb
if t >= l:
    m1 = km[p + l]
    e1 = ke[p + l]
    m2 = lm[p + l]
    e2 = le[p + l]
    u = where(gt(e1, e2), e1, e2)
    km[c + l] = (m1 * power_of_two(e1 - u) + m2 * power_of_two(e2 - u)) * mb
    ke[c + l] = u + eb
else:
    km[c + high] = nil
    ke[c + high] = never
    if high < l:
        lm[c + high + 1] = nil
        le[c + high + 1] = never
if bit_and(t, kept) == kept:
    for column_at in range(c + low, c + high + 1):
{moved}
p = c
"""

_BACKWARD = """\
none = eq(whole, nil)
inverse = where(none, nil, unit / whole)
end = where(none, nil, end)
for column_at in range(home, home + l + 1):
    wm[column_at] = nil
    we[column_at] = never
    vm[column_at] = nil
    ve[column_at] = never
vm[home + l] = unit
ve[home + l] = nil
for back in range(n):
    t = n - 1 - back
    now = own + t * l
    p = base + (t + 1) * (l + 1)
    low = maximum(zero, l - n + t)
    high = minimum(l, t + 1)
    mb = sm[slot, t]
    eb = se[slot, t]
    blanks = nil
    for column_at in range(low, high):
        m0 = wm[home + column_at]
        e0 = we[home + column_at]
        m1 = vm[home + column_at + 1]
        e1 = ve[home + column_at + 1]
        r = barred[home + column_at + 1]
        m2 = where(lt(r, nil), nil, wm[home + column_at + 1])
        e3 = we[home + column_at + 1] + r
        m3 = vm[home + column_at]
        e2 = ve[home + column_at]
        u = where(gt(e2, e0), e2, e0)
        v = where(gt(e1, e3), e1, e3)
{stay_top}
        g = {stay}m1 * power_of_two(e1 - v) + m2 * power_of_two(e3 - v)
        h = m3 * power_of_two(e2 - u) + m0 * power_of_two(e0 - u)
        w = lm[p + column_at + 1] * inverse
        share[home + column_at] = w * g * power_of_two(le[p + column_at + 1] + v - end)
        w = km[p + column_at] * inverse
        blanks = accumulate(blanks, w * h * power_of_two(ke[p + column_at] + u - end))
        wm[home + column_at] = g * em[now + column_at]
        we[home + column_at] = v + ee[now + column_at]
        vm[home + column_at] = h * mb
        ve[home + column_at] = u + eb
    h = vm[home + l]
    u = ve[home + l]
    if t >= l:
        blanks = blanks + (km[p + l] * inverse) * h * power_of_two(ke[p + l] + u - end)
    vm[home + l] = h * mb
    ve[home + l] = u + eb
    if bit_and(t, kept) == kept:
        for column_at in range(home, home + l + 1):
{moved_back}
    {slope_blank} = {slope_blank} - blanks
    for j in range(low, high):
        k = label[home + j]
        {slope_k} = {slope_k} - share[home + j]
for t in range(n, time):
    for column_at in range(classes):
        {slope_column} = nil
"""

_MOVED = """\
w = {m}[column_at]
q = shift_right(bitcast_{integer}(w), digits)
{m}[column_at] = w * bitcast_{dtype}(shift_left(sub(twice, q), digits))
{e}[column_at] = {e}[column_at] + to_{dtype}(sub(q, bias))
"""


def _indented(text: str, levels: int) -> str:
    return "\n".join("    " * levels + line for line in text.splitlines())


def _text(dtype: str, op: Any, slope: bool) -> str:
    f = _FLOATS[dtype]

    def at(name: str, k: str) -> str:
        return f"{name}[t, b, {k}]" if op.time_major else f"{name}[b, t, {k}]"

    def moved(*pairs: str) -> str:
        how = {"integer": f.integer, "dtype": dtype}
        return "".join(_MOVED.format(m=f"{p}m", e=f"{p}e", **how) for p in pairs)

    stay = "m0 * power_of_two(e0 - v) + " if op.merge_repeated else ""
    stay_top = "v = where(gt(e0, v), e0, v)" if op.merge_repeated else ""
    bar = "if l > 0:\n    if label[home + l - 1] == c:\n        barred[home + l] = never"
    read = _READ.format(
        counts="k == first or c != to_int64(labels[k - 1])" if op.collapse_repeated else "k >= 0",
        bar=_indented(bar if op.merge_repeated else "", 3),
        refuse="" if op.ignore_longer else "wrong = logical_or(wrong, ahead)",
    )
    softmax = _SOFTMAX.format(slope_column=at("slope", "column_at")) if slope else ""
    scores = _SCORES.format(
        x_column=at("x", "column_at"), softmax=_indented(softmax, 1), pair=_indented(_PAIR, 1)
    )
    forward = _FORWARD.format(
        next="base + " + ("(t + 1) * (l + 1)" if slope else "bit_and(t + 1, one) * (l + 1)"),
        stay_top=_indented(stay_top, 1), stay=stay, moved=_indented(moved("l", "k"), 2),
    )  # fmt: skip
    backward = _BACKWARD.format(
        stay_top=_indented(stay_top, 2), stay=stay,
        slope_k=at("slope", "k"), slope_blank=at("slope", "blank"),
        slope_column=at("slope", "column_at"), moved_back=_indented(moved("w", "v"), 3),
    )  # fmt: skip
    names = [name for name, *_ in _operands(dtype, slope)]
    return _TEXT.format(
        title=", slope = its derivative by x" if slope else "",
        views=", ".join(names), count=len(names), dtype=dtype, rows="(time + 1)" if slope else "2",
        read=_indented(read, 2), scores=_indented(scores, 2), forward=_indented(forward, 3),
        backward=_indented(backward, 2) if slope else "",
    )  # fmt: skip


def _operands(dtype: str, slope: bool) -> list[tuple[str, str, int, str]]:
    """Name, dtype, rank and access, in order: operands, results, workspaces."""
    rows = [
        ("x", dtype, 3, "r"), ("labels", "", 1, "r"), ("starts", "", 1, "r"),
        ("lengths", "", 1, "r"), ("loss", dtype, 1, "w"),
    ]  # fmt: skip
    pairs = "lm le km ke em ee"
    if slope:
        rows.append(("slope", dtype, 3, "rw"))
        pairs += " wm we vm ve share"
    rows.append(("label", "int64", 1, "rw"))
    rows += [(name, dtype, 1, "rw") for name in ("barred", *pairs.split())]
    return rows + [(name, dtype, 2, "rw") for name in ("z", "sm", "se", "total")]


def _constants(dtype: str) -> tuple[Constant, ...]:
    f = _FLOATS[dtype]
    floats = {
        "nil": 0.0, "unit": 1.0, "never": -1e30, "far": -1e6, "lowest": -math.inf,
        "per_bit": 1 / math.log(2), "minus_ln2": -f.split[0], "minus_rest": -f.split[1],
    }  # fmt: skip
    integers = {"digits": f.digits, "bias": f.bias, "twice": 2 * f.bias}
    return (
        *(Constant(name, dtype, value) for name, value in floats.items()),
        *(Constant(name, f.integer, value) for name, value in integers.items()),
        *(Constant(*row) for row in (
            ("zero", "int64", 0), ("one", "int64", 1), ("kept", "int64", KEPT - 1),
            ("wide", "float64", 0.0), ("ln2", "float64", math.log(2)),
        )),
    )  # fmt: skip


def lower_ctc(node: Node) -> Lowered:
    """``ctc_loss``, with or without its slope."""
    op = node.op
    x, labels = node.operands[:2]
    slope = len(node.outputs) == 2
    dtype = str(x.dtype)
    time, batch, classes = x.type.dims if op.time_major else _swapped(x.type.dims)
    count = labels.type.elements
    places = count + batch
    rows = time + 1 if slope else 2
    per_state = {name: (places * rows,) for name in ("lm", "le", "km", "ke")}
    shapes = {
        "x": x.type.dims, "labels": (count,), "starts": (batch + 1,), "lengths": (batch,),
        "loss": (batch,), "slope": x.type.dims, **per_state,
        "em": (places * time,), "ee": (places * time,), "z": (0, time * classes),
        **dict.fromkeys(("sm", "se", "total"), (0, time)),
    }  # fmt: skip
    held = dict(zip(("x", "labels", "starts", "lengths"), node.operands, strict=True))
    held.update(zip(("loss", "slope"), node.outputs, strict=False))
    operands, uses = [], []
    for name, kind, rank, access in _operands(dtype, slope):
        tensor: Tensor | Workspace | None = held.get(name)
        shape = shapes.get(name, (places,))
        if tensor is None:
            tensor = Workspace(kind, shape[rank - 1 :], per_chunk=rank == 2)
        else:
            kind = str(tensor.dtype)
        operands.append(Operand(name, kind, rank, access))  # type: ignore[arg-type]
        uses.append(Use(tensor, name, shape, kind, access))  # type: ignore[arg-type]
    blank = op.blank if op.blank >= 0 else classes + op.blank
    kernel = Kernel(
        "ctc", _text(dtype, op, slope), tuple(operands), _constants(dtype),
        ("time", "classes", "blank", "batch", "given", "busy"),
    )  # fmt: skip
    per_time = classes + dims.ceildiv(2 * count, dims.maximum(1, batch)) + 8
    return Lowered(
        kernel, uses, [time, classes, blank, batch, count, 0], batch, time * per_time + 64,
        NANOSECONDS if slope else NANOSECONDS / 2, checks=[node],
    )  # fmt: skip


def _swapped(shape: tuple) -> tuple:
    return (shape[1], shape[0], *shape[2:])
