"""Kernels that read labels from scores of classes: the best path, and a search over prefixes.

A row of the batch is decoded by itself.  The search keeps prefixes as nodes of a tree: a node has
its last label and the node of the prefix without it, and ``inner`` lists the nodes one label longer
that were ever kept.  ``heap`` has the nodes kept at this time, the least probable first.  The order
in which prefixes are made longer is TF1's, and so is that one which has fallen out of the heap
before the prefix without its last label has its turn is not made longer itself.
"""

from __future__ import annotations

import math

from graphc.codegen.kernel import Constant, Kernel, Operand
from graphc.ir import dims
from graphc.ir.graph import Node
from graphc.lowering.nest import Lowered, Use, Workspace

PICKED, SEARCHED = 1.0, 60.0  # nanoseconds per score, per prefix kept and time

_BEST = """\
# paths[b] = the most probable class of every time, repeats and blanks left out as asked
def best_path(args, start, stop):
    x, lengths, paths, counts, scores = views(args, 5)
    time, classes, blank = sizes(args, 3)
    bad = zero
    for b in range(start, stop):
        n = to_int64(lengths[b])
        wrong = logical_or(lt(n, 0), gt(n, time))
        bad = bad | bit(wrong, 0)
        if wrong:
            n = 0
        score = nil
        made = 0
        before = -1
        for t in range(n):
            best = 0
            top = lowest
            for k in range(classes):
                if x[t, b, k] > top:
                    top = x[t, b, k]
                    best = k
            score = score - to_float64(top)
            if {counts}:
                paths[b, made] = best
                made = made + 1
            before = best
        counts[b] = made
        scores[b] = to_{dtype}(score)
        for k in range(made, time):
            paths[b, k] = 0
    return bad
"""

_SEARCH = """\
# paths[b, k], scores[b, k] = the k-th most probable labels of row b, and their log probability
def search_prefixes(args, start, stop):
    {views} = views(args, {count})
    time, classes, blank, width, asked, busy = sizes(args, 6)
    slot = take_slot(args)
    bad = zero
    for k in range(classes):
        at[slot, k] = -1
    for b in range(start, stop):
        n = to_int64(lengths[b])
        wrong = logical_or(lt(n, 0), gt(n, time))
        if wrong:
            n = 0
        parent[slot, 0] = -1
        label[slot, 0] = -1
        inner[slot, 0] = -1
        whole[slot, 0] = nil
        quiet[slot, 0] = nil
        loud[slot, 0] = lowest
        fresh[slot, 0] = 0
        heap[slot, 0] = 0
        beam[slot, 0] = 0
        live = 1
        kept = 1
        made = 1
        spare = 0
        for t in range(n):
{scores}
{carried}
            # prefixes one label longer, from the most probable prefix on
            for i in range(live):
                p = beam[slot, i]
                worst = whole[slot, heap[slot, 0]]
                if old[slot, p] > lowest and logical_or(kept < width, old[slot, p] > worst):
                    c = inner[slot, p]
                    while c >= 0:
                        at[slot, label[slot, c]] = c
                        c = after[slot, c]
                    for k in range(classes):
                        c = at[slot, k]
                        value = logs[slot, k] + old[slot, p]
                        if k == label[slot, p]:
                            value = logs[slot, k] + still[slot, p]
                        new = k != blank
                        if c >= 0:
                            new = whole[slot, c] == lowest
                        if new:
                            worst = whole[slot, heap[slot, 0]]
                            if value > lowest and logical_or(kept < width, value > worst):
{admitted}
                            elif c >= 0:
                                old[slot, c] = lowest
                    c = inner[slot, p]
                    while c >= 0:
                        at[slot, label[slot, c]] = -1
                        c = after[slot, c]
            # nodes that stay are found from the prefix they make longer
            for i in range(kept):
                c = heap[slot, i]
                if fresh[slot, c] == 1:
                    fresh[slot, c] = 0
                    p = parent[slot, c]
                    after[slot, c] = inner[slot, p]
                    inner[slot, p] = c
{sorted}
        wrong = logical_or(wrong, kept < asked)
        bad = bad | bit(wrong, 0)
        for i in range(asked):
            p = 0
            if i < live:
                p = beam[slot, i]
            scores[b, i] = to_{dtype}(whole[slot, p])
            size = 0
            c = p
            before = -1
            while label[slot, c] >= 0:
                if {shown}:
                    size = size + 1
                before = label[slot, c]
                c = parent[slot, c]
            counts[b, i] = size
            for k in range(size, time):
                paths[b, i, k] = 0
            c = p
            before = -1
            while label[slot, c] >= 0:
                if {shown}:
                    size = size - 1
                    paths[b, i, size] = label[slot, c]
                before = label[slot, c]
                c = parent[slot, c]
    give_slot(args, slot)
    return bad
"""

# logs = log softmax of the row's scores at this time
_SCORES = """\
top = lowest
for k in range(classes):
    top = maximum(top, to_float64(x[t, b, k]))
sum = nil
for k in range(classes):
    sum = sum + exp(to_float64(x[t, b, k]) - top)
top = top + log(sum)
for k in range(classes):
    logs[slot, k] = to_float64(x[t, b, k]) - top
"""

# beam = the nodes kept, the most probable first: the heap taken apart; it is left empty
_SORTED = """\
live = kept
for turn in range(live):
    end = live - 1 - turn
    beam[slot, end] = heap[slot, 0]
    p = heap[slot, end]
    value = whole[slot, p]
{down}
"""

# prefixes as they are: by a blank, or by their last label once more
_CARRIED = """\
for i in range(live):
    p = beam[slot, i]
    old[slot, p] = whole[slot, p]
    still[slot, p] = quiet[slot, p]
for i in range(live):
    p = beam[slot, i]
    loud_now = lowest
    if label[slot, p] >= 0:
        loud_now = loud[slot, p]
        q = parent[slot, p]
        if whole[slot, q] > lowest:
            more = old[slot, q]
            if label[slot, q] == label[slot, p]:
                more = still[slot, q]
            a = maximum(loud_now, more)
            d = minimum(loud_now, more) - a
            loud_now = a
            if d > lowest:
                loud_now = a + log1p(exp(d))
        loud_now = loud_now + logs[slot, label[slot, p]]
    loud[slot, p] = loud_now
    quiet[slot, p] = old[slot, p] + logs[slot, blank]
for i in range(live):
    p = beam[slot, i]
    a = maximum(loud[slot, p], quiet[slot, p])
    d = minimum(loud[slot, p], quiet[slot, p]) - a
    if d > lowest:
        a = a + log1p(exp(d))
    whole[slot, p] = a
kept = 0
for i in range(live):
    p = beam[slot, i]
    value = whole[slot, p]
    s = kept
    kept = kept + 1
{up}
"""

# a node of that value rises from place s of the heap
_UP = """\
while s > 0 and whole[slot, heap[slot, shift_right(s - 1, one)]] > value:
    heap[slot, s] = heap[slot, shift_right(s - 1, one)]
    s = shift_right(s - 1, one)
heap[slot, s] = {node}
"""

# a node of that value sinks from the top of a heap of some size
_DOWN = """\
s = 0
{child} = 1
while {child} < {size}:
    if {child} + 1 < {size}:
        if whole[slot, heap[slot, {child} + 1]] < whole[slot, heap[slot, {child}]]:
            {child} = {child} + 1
    if whole[slot, heap[slot, {child}]] < value:
        heap[slot, s] = heap[slot, {child}]
        s = {child}
        {child} = s + s + 1
    else:
        {child} = {size}
heap[slot, s] = {node}
"""

# node c, or a new one, takes the place of the least probable node, or a place of its own
_ADMITTED = """\
s = kept
if kept == width:
    gone = heap[slot, 0]
    whole[slot, gone] = lowest
    quiet[slot, gone] = lowest
    loud[slot, gone] = lowest
    if fresh[slot, gone] == 1:
        free[slot, spare] = gone
        spare = spare + 1
if c < 0:
    if spare > 0:
        spare = spare - 1
        c = free[slot, spare]
    else:
        c = made
        made = made + 1
    parent[slot, c] = p
    label[slot, c] = k
    inner[slot, c] = -1
    fresh[slot, c] = 1
whole[slot, c] = value
quiet[slot, c] = lowest
loud[slot, c] = value
if kept == width:
{down}
else:
    kept = kept + 1
{up}
"""

_INTEGERS = "parent label inner after fresh free heap beam at"
_FLOATS = "whole quiet loud old still logs"


def _indented(text: str, levels: int) -> str:
    return "\n".join("    " * levels + line for line in text.splitlines())


def _constants(lowest: str) -> tuple[Constant, ...]:
    return (
        Constant("zero", "int64", 0), Constant("one", "int64", 1), Constant("nil", "float64", 0.0),
        Constant("lowest", lowest, -math.inf),
    )  # fmt: skip


def _blank(node: Node) -> dims.Dim:
    blank = node.op.blank
    return blank if blank >= 0 else node.operands[0].type.dims[2] + blank


def lower_best_path(node: Node) -> Lowered:
    """``ctc_best_path``."""
    x, lengths = node.operands
    dtype = str(x.dtype)
    time, batch, classes = x.type.dims
    text = _BEST.format(
        counts="best != blank and best != before" if node.op.merge_repeated else "best != blank",
        dtype=dtype,
    )
    uses = [
        Use(x, "x", (time, batch, classes), dtype, "r"),
        Use(lengths, "lengths", (batch,), str(lengths.dtype), "r"),
        Use(node.outputs[0], "paths", (batch, time), "int64", "w"),
        Use(node.outputs[1], "counts", (batch,), "int64", "w"),
        Use(node.outputs[2], "scores", (batch,), dtype, "w"),
    ]
    operands = tuple(Operand(u.name, u.dtype, len(u.shape), u.access) for u in uses)
    kernel = Kernel("best_path", text, operands, _constants(dtype), ("time", "classes", "blank"))
    sizes = [time, classes, _blank(node)]
    return Lowered(kernel, uses, sizes, batch, time * classes + 1, PICKED, checks=[node])


def lower_prefix_search(node: Node) -> Lowered:
    """``ctc_prefix_search``."""
    op = node.op
    x, lengths = node.operands
    dtype = str(x.dtype)
    time, batch, classes = x.type.dims
    width, asked = op.width, op.top
    nodes = width * time + 2
    long = {name: nodes for name in ("parent", "label", "inner", "after", "fresh")}
    long |= {name: nodes for name in ("whole", "quiet", "loud", "old", "still")}
    long |= {"at": classes, "logs": classes}
    uses = [
        Use(x, "x", (time, batch, classes), dtype, "r"),
        Use(lengths, "lengths", (batch,), str(lengths.dtype), "r"),
        Use(node.outputs[0], "paths", (batch, asked, time), "int64", "w"),
        Use(node.outputs[1], "counts", (batch, asked), "int64", "w"),
        Use(node.outputs[2], "scores", (batch, asked), dtype, "w"),
    ]
    for names, kind in ((_INTEGERS, "int64"), (_FLOATS, "float64")):
        for name in names.split():
            size = long.get(name, width + 2)
            uses.append(Use(Workspace(kind, (size,), True), name, (0, size), kind, "rw"))
    sorting = _indented(_DOWN.format(node="p", child="c", size="end"), 1)
    admitting = {
        "down": _indented(_DOWN.format(node="c", child="f", size="kept"), 1),
        "up": _indented(_UP.format(node="c"), 1),
    }
    text = _SEARCH.format(
        views=", ".join(use.name for use in uses), count=len(uses), dtype=dtype,
        scores=_indented(_SCORES, 3),
        carried=_indented(_CARRIED.format(up=_indented(_UP.format(node="p"), 1)), 3),
        admitted=_indented(_ADMITTED.format(**admitting), 8),
        sorted=_indented(_SORTED.format(down=sorting), 3),
        shown="label[slot, c] != before" if op.merge_repeated else "c >= 0",
    )  # fmt: skip
    operands = tuple(Operand(u.name, u.dtype, len(u.shape), u.access) for u in uses)
    kernel = Kernel(
        "search_prefixes", text, operands, _constants("float64"),
        ("time", "classes", "blank", "width", "asked", "busy"),
    )  # fmt: skip
    sizes = [time, classes, _blank(node), width, asked, 0]
    per_row = time * (width + classes) + 1
    return Lowered(kernel, uses, sizes, batch, per_row, SEARCHED, checks=[node])
