"""The kernel of the CTC loss: rows of a batch in parallel, a row's times one after the other.

The states of a row with ``l`` labels are ``l`` labels and ``l + 1`` blanks around them.  Going
forward, ``alpha`` is the probability of all ways into a state, going back, ``beta`` that of all
ways from it to the end (Graves, Fernandez, Gomez and Schmidhuber, "Connectionist Temporal
Classification", 2006).

Such probabilities leave the range of a float at once, and logarithms of them cost three ``exp``
and a ``log`` per state and lose digits where they are large.  So each is a pair (m, e) that means
``m * 2**e``, with ``e`` a whole number held in a float.  A sum takes the largest ``e`` and scales
the other terms by powers of two, which are made of bits; every :data:`KEPT` times what ``m`` has
grown by moves into ``e``.  Zero is (0, about -1e30).  The digits of ``m`` are those of the dtype,
however small a probability is: this is the log-space algorithm without its rounding.

Rows differ in their labels, whose number only the run knows.  What they need is laid end to end:
row ``b`` begins ``starts[b] + b`` places behind the first, so that the sizes of the workspaces
follow from the shapes of the operands.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from graphc.codegen.kernel import Constant, Kernel, Operand
from graphc.ir import dims
from graphc.ir.graph import Node
from graphc.lowering.nest import Lowered, Use, Workspace
from graphc.lowering.program import GRAIN

KEPT = 16  # times: until then m grows to 2**42 at the most
CLASS, STATE = 0.8, 0.7  # nanoseconds per class, per label, of every time


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
    time, classes, blank, grain = sizes(args, 4)
    slot = idiv(start, grain)
    home = to_int64(starts[start]) + start
    bad = zero
    for b in range(start, stop):
        n = to_int64(lengths[b])
        wrong = logical_or(lt(n, 0), gt(n, time))
        first = to_int64(starts[b])
        l = 0
        ended = zero
        for k in range(first, to_int64(starts[b + 1])):
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
{refused}
        bad = bad | bit(wrong, 0)
        if wrong or ahead:
            n = 0
            l = 0
        width = l + l + 2
        base = (home + home) * {rows}
        p = base
        am[p] = nil
        ae[p] = never
        am[p + 1] = nil
        ae[p + 1] = never
        am[p + l + 1] = unit
        ae[p + l + 1] = nil
        for t in range(n):
{emission}
{forward}
        mp = am[p + l]
        ep = ae[p + l]
        mq = am[p + l + l + 1]
        e_q = ae[p + l + l + 1]
        end = where(gt(ep, e_q), ep, e_q)
        whole = mp * {p_scaled} + mq * {q_scaled}
        spread = wide
        for t in range(n):
            spread = accumulate(spread, to_float64(log(total[slot, t])))
        spread = spread - (to_float64(log(whole)) + to_float64(end) * ln2)
        loss[b] = to_{dtype}(spread)
{backward}
    return bad
"""

_EMISSION = """\
at = {at}
top = lowest
for k in range(classes):
    top = maximum(top, {x})
sum = nil
for k in range(classes):
    d = {x} - top
    d = where(lt(d, never), never, d)
    q = floor(d * per_bit)
    m = exp(fma(q, minus_rest, fma(q, minus_ln2, d)))
    m = where(lt(d, far), unit, m)
    m = where(eq(d, never), nil, m)
    ym[slot, at + k] = m
    ye[slot, at + k] = q
    sum = accumulate(sum, m * {scale})
total[slot, t] = sum
"""

_FORWARD = """\
c = {next}
low = maximum(zero, l - n + t)
high = minimum(l, t + 1)
mb = ym[slot, at + blank]
eb = ye[slot, at + blank]
am[c] = nil
ae[c] = never
for j in range(low, high):
    k = label[home + j]
    m0 = am[p + j + 1]
    e0 = ae[p + j + 1]
    m1 = am[p + l + 1 + j]
    e1 = ae[p + l + 1 + j]
    m2 = am[p + j]
    e2 = ae[p + j]
    r = barred[home + j]
    m3 = where(lt(r, nil), nil, m2)
    e3 = e2 + r
    u = where(gt(e1, e2), e1, e2)
    v = where(gt(e1, e3), e1, e3)
{stay_top}
    am[c + j + 1] = ({stay}m1 * {from_blank} + m3 * {from_label}) * ym[slot, at + k]
    ae[c + j + 1] = v + ye[slot, at + k]
    am[c + l + 1 + j] = (m1 * {blank_blank} + m2 * {blank_label}) * mb
    ae[c + l + 1 + j] = u + eb
if t >= l:
    m1 = am[p + l + l + 1]
    e1 = ae[p + l + l + 1]
    m2 = am[p + l]
    e2 = ae[p + l]
    u = where(gt(e1, e2), e1, e2)
    am[c + l + l + 1] = (m1 * {blank_blank} + m2 * {blank_label}) * mb
    ae[c + l + l + 1] = u + eb
else:
    am[c + l + 1 + high] = nil
    ae[c + l + 1 + high] = never
    if high < l:
        am[c + 1 + high] = nil
        ae[c + 1 + high] = never
if bit_and(t, kept) == kept:
    for s in range(c + 1 + low, c + 1 + high):
{moved}
    for s in range(c + l + 1 + low, c + l + 1 + minimum(high + 1, l + 1)):
{moved}
p = c
"""

_BACKWARD = """\
there = eq(whole, nil)
share_of = where(there, nil, unit / whole)
end = where(there, nil, end)
here = home + home
for s in range(here, here + width):
    bm[s] = nil
    be[s] = never
bm[here + l + l + 1] = unit
be[here + l + l + 1] = nil
for back in range(n):
    t = n - 1 - back
    at = t * classes
    p = base + (t + 1) * width
    low = maximum(zero, l - n + t)
    high = minimum(l, t + 1)
    mb = ym[slot, at + blank]
    eb = ye[slot, at + blank]
    blanks = nil
    for j in range(low, high):
        k = label[home + j]
        m0 = bm[here + j]
        e0 = be[here + j]
        m1 = bm[here + l + 2 + j]
        e1 = be[here + l + 2 + j]
        r = barred[home + j + 1]
        m2 = where(lt(r, nil), nil, bm[here + j + 1])
        e3 = be[here + j + 1] + r
        m3 = bm[here + l + 1 + j]
        e2 = be[here + l + 1 + j]
        u = where(gt(e2, e0), e2, e0)
        v = where(gt(e1, e3), e1, e3)
{stay_top}
        g = {stay}m1 * {from_blank} + m2 * {from_label}
        h = m3 * {blank_blank} + m0 * {blank_label_back}
        share[home + j] = (am[p + 1 + j] * share_of) * g * {label_share}
        blanks = accumulate(blanks, (am[p + l + 1 + j] * share_of) * h * {blank_share})
        bm[here + j] = g * ym[slot, at + k]
        be[here + j] = v + ye[slot, at + k]
        bm[here + l + 1 + j] = h * mb
        be[here + l + 1 + j] = u + eb
    h = bm[here + l + l + 1]
    u = be[here + l + l + 1]
    if t >= l:
        blanks = blanks + (am[p + l + l + 1] * share_of) * h * {last_share}
    bm[here + l + l + 1] = h * mb
    be[here + l + l + 1] = u + eb
    if bit_and(t, kept) == kept:
        for s in range(here, here + width):
{moved_back}
    per = unit / total[slot, t]
    for k in range(classes):
        q = ye[slot, at + k]
        {slope_k} = ym[slot, at + k] * {scale} * per
    {slope_blank} = {slope_blank} - blanks
    for j in range(low, high):
        k = label[home + j]
        {slope_k} = {slope_k} - share[home + j]
for t in range(n, time):
    for k in range(classes):
        {slope_k} = nil
"""

_MOVED = """\
w = {m}[s]
q = shift_right(bitcast_{integer}(w), digits)
{m}[s] = w * bitcast_{dtype}(shift_left(sub(twice, q), digits))
{e}[s] = {e}[s] + to_{dtype}(sub(q, bias))
"""


def _indented(text: str, levels: int) -> str:
    return "\n".join("    " * levels + line for line in text.splitlines())


def _text(dtype: str, op: Any, slope: bool) -> str:
    f = _FLOATS[dtype]

    def power(e: str) -> str:
        """2**e for e <= bias, as bits: adding ``magic`` leaves e + bias in the last ones."""
        held = f"where(lt({e}, under), under, {e}) + magic"
        return f"bitcast_{dtype}(shift_left(bitcast_{f.integer}({held}), digits))"

    def x(k: str) -> str:
        return f"[t, b, {k}]" if op.time_major else f"[b, t, {k}]"

    merges = op.merge_repeated
    stay_top = "v = where(gt(e0, v), e0, v)" if merges else "v = v"
    common = {
        "stay": f"m0 * {power('e0 - v')} + " if merges else "",
        "from_blank": power("e1 - v"), "from_label": power("e3 - v"),
        "scale": power("q"),
    }  # fmt: skip
    moved = {"integer": f.integer, "dtype": dtype}
    emission = _EMISSION.format(x="x" + x("k"), at="t * classes" if slope else "zero", **common)
    forward = _FORWARD.format(
        next="base + (t + 1) * width" if slope else "base + bit_and(t + 1, one) * width",
        stay_top=_indented(stay_top, 1),
        blank_blank=power("e1 - u"), blank_label=power("e2 - u"),
        moved=_indented(_MOVED.format(m="am", e="ae", **moved), 2), **common,
    )  # fmt: skip
    backward = _BACKWARD.format(
        stay_top=_indented(stay_top, 2),
        blank_blank=power("e2 - u"), blank_label_back=power("e0 - u"),
        label_share=power("ae[p + 1 + j] + v - end"),
        blank_share=power("ae[p + l + 1 + j] + u - end"),
        last_share=power("ae[p + l + l + 1] + u - end"),
        slope_k="slope" + x("k"), slope_blank="slope" + x("blank"),
        moved_back=_indented(_MOVED.format(m="bm", e="be", **moved), 3), **common,
    )  # fmt: skip
    bar = (
        ["if l > 0:", "    if label[home + l - 1] == c:", "        barred[home + l] = never"]
        if merges
        else []
    )
    counts = "k == first or c != to_int64(labels[k - 1])" if op.collapse_repeated else "k >= first"
    names = [name for name, *_ in _operands(dtype, slope)]
    return _TEXT.format(
        title=", slope = its derivative by x" if slope else "",
        views=", ".join(names), count=len(names), dtype=dtype, counts=counts,
        bar=_indented("\n".join(bar), 5),
        refused="" if op.ignore_longer else "        wrong = logical_or(wrong, ahead)",
        rows="(time + 1)" if slope else "2",
        emission=_indented(emission, 3), forward=_indented(forward, 3),
        p_scaled=power("ep - end"), q_scaled=power("e_q - end"),
        backward=_indented(backward, 2) if slope else "",
    )  # fmt: skip


def _operands(dtype: str, slope: bool) -> list[tuple[str, str, int, str]]:
    """Name, dtype, rank and access, in order: operands, results, workspaces."""
    rows = [
        ("x", dtype, 3, "r"), ("labels", "", 1, "r"), ("starts", "", 1, "r"),
        ("lengths", "", 1, "r"), ("loss", dtype, 1, "w"),
    ]  # fmt: skip
    if slope:
        rows += [("slope", dtype, 3, "rw"), ("bm", dtype, 1, "rw"), ("be", dtype, 1, "rw")]
        rows += [("share", dtype, 1, "rw")]
    rows += [("am", dtype, 1, "rw"), ("ae", dtype, 1, "rw"), ("label", "int64", 1, "rw")]
    rows += [("barred", dtype, 1, "rw"), ("ym", dtype, 2, "rw"), ("ye", dtype, 2, "rw")]
    rows += [("total", dtype, 2, "rw")]
    return rows


def _constants(dtype: str) -> tuple[Constant, ...]:
    f = _FLOATS[dtype]
    floats = {
        "nil": 0.0, "unit": 1.0, "never": -1e30, "far": -1e6, "lowest": -math.inf,
        "per_bit": 1 / math.log(2), "minus_ln2": -f.split[0], "minus_rest": -f.split[1],
        "under": -float(f.bias), "magic": float(2**f.digits + f.bias),
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
    x, labels, starts, lengths = node.operands
    slope = len(node.outputs) == 2
    dtype = str(x.dtype)
    time, batch, classes = x.type.dims if op.time_major else _swapped(x.type.dims)
    count = labels.type.elements
    places = count + batch
    rows = time + 1 if slope else 2
    shapes = {
        "x": x.type.dims, "labels": (count,), "starts": (batch + 1,), "lengths": (batch,),
        "loss": (batch,), "slope": x.type.dims, "bm": (2 * places,), "be": (2 * places,),
        "share": (places,), "am": (2 * places * rows,), "ae": (2 * places * rows,),
        "label": (places,), "barred": (places,), "total": (0, time),
        "ym": (0, time * classes if slope else classes),
        "ye": (0, time * classes if slope else classes),
    }  # fmt: skip
    held = dict(zip(("x", "labels", "starts", "lengths"), node.operands, strict=True))
    held.update(zip(("loss", "slope"), node.outputs, strict=False))
    operands, uses = [], []
    for name, kind, rank, access in _operands(dtype, slope):
        tensor = held.get(name)
        if tensor is None:
            per_chunk = rank == 2
            tensor = Workspace(kind, shapes[name][1:] if per_chunk else shapes[name], per_chunk)
        else:
            kind = str(tensor.dtype)
        operands.append(Operand(name, kind, rank, access))  # type: ignore[arg-type]
        uses.append(Use(tensor, name, shapes[name], kind, access))  # type: ignore[arg-type]
    blank = op.blank if op.blank >= 0 else classes + op.blank
    kernel = Kernel(
        "ctc", _text(dtype, op, slope), tuple(operands), _constants(dtype),
        ("time", "classes", "blank", "grain"),
    )  # fmt: skip
    per_time = classes + dims.ceildiv(2 * count, dims.maximum(1, batch)) + 8
    return Lowered(
        kernel, uses, [time, classes, blank, GRAIN], batch, time * per_time + 64,
        STATE if slope else STATE / 2, checks=[node],
    )  # fmt: skip


def _swapped(shape: tuple) -> tuple:
    return (shape[1], shape[0], *shape[2:])
