"""Arrays that a loop goes through row by row become its slices and its stacks.

A counter is a function of the turn's number: it is no carry, and its trace is a range.  A row whose
number counts the turns, of something no turn changes, is a slice of it that the scan hands to the
turn.  So is a row of a carry of which every turn changes that row alone, as the cotangents of an
array are.  A carry of which a turn writes that row, or adds to it, and that nobody else reads, is
the stack of those rows.  A recurrence written with arrays is then the scan it would be without.

Rows are taken for slices only where their numbers are in range for all sizes: what can fail stays
as it is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from graphc.ir import dims
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.dtype import DType, int32, int64
from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.shape_values import dims_of
from graphc.passes.loops.form import LoopForm, scans
from graphc.passes.options import Options

SAME = ("identity", "expand_dims", "reshape", "squeeze", "cast")


class Place(NamedTuple):
    """``slope * step + first``."""

    slope: int
    first: Dim


def place_of(form: LoopForm, tensor: Tensor) -> Place | None:
    """An integer of a turn as a function of its number."""
    if tensor is form.step:
        return Place(1, 0)
    op, operands = tensor.node.op, tensor.node.operands
    if not tensor.dtype.is_integer or tensor.type.shape not in ((), (1,)):
        return None
    if op.name in SAME and operands[0].dtype.is_integer:
        return place_of(form, operands[0])
    if op.name in ("add", "sub") and len(operands) == 2:
        left, right = (place_of(form, t) for t in operands)
        if left is None or right is None:
            return None
        if op.name == "sub":
            right = Place(-right.slope, -right.first)
        return Place(left.slope + right.slope, left.first + right.first)
    if op.name == "neg":
        found = place_of(form, operands[0])
        return None if found is None else Place(-found.slope, -found.first)
    if op.name in ("const", "dim_value"):
        value = dims_of(tensor)
        value = value[0] if isinstance(value, tuple) else value
        return None if value is None else Place(0, value)
    return None


# --- counters -------------------------------------------------------------------------------------


def count_by_steps(graph: Graph, options: Options) -> Graph:
    """Counters, and slices of ranges, computed from the number of the turn."""
    change = Edit(graph)
    for node in scans(graph, lean=True):
        form = LoopForm(change, node)
        found = {k: c for k in range(len(form.carries)) if (c := _counter(form, k)) is not None}
        for k, (slope, start) in found.items():
            _drop_counter(form, k, slope, start)
        ranges = [(x, inside) for x, inside in form.xs if _is_range(x) and _is_read(form, inside)]
        for x, inside in ranges:
            op: Any = x.node.op
            b = form.edit.builder(like=node)
            form.edit.replace(inside, _computed(b, form, Place(op.delta, op.start), inside.dtype))
        if found or ranges:
            form.done([], dropped=tuple(found))
            options.log.note("loops", node, f"{len(found) + len(ranges)} counters are its steps")
    return change.done()


def _counter(form: LoopForm, k: int) -> tuple[int, Dim] | None:
    """What a turn adds to a carry, and where it starts, if both are numbers."""
    operand, before = form.carries[k]
    after = form.afters[k]
    if after is before or before.dtype not in (int32, int64) or before.type.shape != ():
        return None
    left, *rest = after.node.operands or (None,)
    if after.node.op.name not in ("add", "sub") or len(rest) != 1:
        return None
    right = rest[0]
    added, sign = (right, 1) if left is before else (left, 1)
    if after.node.op.name == "sub":
        if left is not before:
            return None
        sign = -1
    if before not in (left, right) or added is None or added.node.op.name != "const":
        return None
    by, start = dims_of(added), dims_of(operand)
    if not isinstance(by, int) or isinstance(start, tuple) or start is None or not by:
        return None
    ends = (start, start + sign * by * form.op.length)
    fits = all(not isinstance(e, int) or before.dtype.min <= e <= before.dtype.max for e in ends)
    return (sign * by, start) if fits else None


def _drop_counter(form: LoopForm, k: int, by: int, start: Dim) -> None:
    before = form.carries[k][1]
    length: Dim = form.op.length
    first, slope = (start + by * (length - 1), -by) if form.op.reverse else (start, by)
    b = form.edit.builder(like=form.node)
    form.edit.replace(before, _computed(b, form, Place(slope, first), before.dtype))
    outer = form.outer.builder(like=form.node)
    end = start + by * length
    form.outer.replace(form.result(k), _number(outer, end, before.dtype))
    if k in form.traced:
        trace = form.trace(form.op.traced.index(k))
        rows = outer.range(start=first, limit=first + slope * length, delta=slope,
                           dtype=before.dtype)  # fmt: skip
        form.outer.replace(trace, rows)
        form.traced.remove(k)


def _computed(b: Builder, form: LoopForm, place: Place, dtype: DType) -> Tensor:
    found = form.step if form.step.dtype is dtype else b.cast(form.step, dtype=dtype)
    if place.slope != 1:
        found = b.mul(found, _number(b, place.slope, dtype))
    if place.first != 0:
        found = b.add(found, _number(b, place.first, dtype))
    return b.identity(found) if found is form.step else found


def _number(b: Builder, value: Dim, dtype: DType) -> Tensor:
    if isinstance(value, int):
        return b.tensor(np.asarray(value, dtype.numpy))
    return b.dim_value(dim=value, dtype=dtype)


def _is_range(tensor: Tensor) -> bool:
    op: Any = tensor.node.op
    known = op.name == "range" and op.dtype.is_integer and isinstance(op.delta, int)
    return known and tensor.type.rank == 1


def _is_read(form: LoopForm, inside: Tensor) -> bool:
    return inside in form.graph.uses() or inside in (*form.afters, *form.stacks)


# --- reading --------------------------------------------------------------------------------------


def read_by_slices(graph: Graph, options: Options) -> Graph:
    """Rows whose numbers count the turns, as scanned operands."""
    change = Edit(graph)
    for node in scans(graph, lean=True):
        form = LoopForm(change, node)
        uses = form.graph.uses()
        held = {inside: operand for operand, inside in form.captures}
        for k, (operand, inside) in enumerate(form.carries):
            if _changes_a_row(form, k, uses) is not None:
                held[inside] = operand
        done = 0
        for reader in form.graph.nodes:
            stack = held.get(reader.operands[0]) if reader.op.name == "gather" else None
            if stack is None or reader.op.axis != 0:
                continue
            place = place_of(form, reader.operands[1])
            rows = None if place is None else _rows_from(form, stack, place)
            if rows is None or place is None or not _reads_own_row(form, reader, place, uses):
                continue
            b = form.edit.builder(like=reader)
            found = form.scanned(rows)
            if reader.operands[1].type.shape == (1,):
                found = b.expand_dims(found, axis=0)
            form.edit.replace(reader.outputs[0], found)
            done += 1
        if done:
            form.done([])
            options.log.note("loops", node, f"{done} rows that count its turns are its slices")
    return change.done()


def _rows_from(form: LoopForm, operand: Tensor, place: Place) -> Tensor | None:
    """The rows that the turns read, one for each, in the order of their steps; None where one may
    be out of range."""
    length: Dim = form.op.length
    size = operand.type.dims[0]
    if place.slope not in (1, -1):
        return None
    first = place.first if place.slope == 1 else place.first - length + 1
    if dims.lower_bound(first) < 0 or dims.lower_bound(size - first - length) < 0:
        return None
    b = form.outer.builder(like=form.node)
    if not (first == 0 and size == length):
        rest = operand.type.dims[1:]
        operand = b.slice(operand, begin=(first, *[0] * len(rest)), size=(length, *rest))
    return operand if place.slope == 1 else b.reverse(operand, axis=(0,))


def _changes_a_row(
    form: LoopForm, k: int, uses: dict[Tensor, list[tuple[Node, int]]]
) -> Node | None:
    """The write that makes a carry what a turn leaves it, if that is all that becomes of it."""
    after, before = form.afters[k], form.carries[k][1]
    node = after.node
    if (
        node.op.name not in ("put_rows", "fill_rows")
        or after.index
        or node.operands[0] is not before
    ):
        return None
    if uses.get(after) or form.afters.count(after) + form.stacks.count(after) > 1:
        return None
    if before in (*form.afters, *form.stacks) or k in form.traced:
        return None
    readers = [(reader, port) for reader, port in uses.get(before, ()) if reader is not node]
    if any(reader.op.name != "gather" or port for reader, port in readers):
        return None
    return node


def _reads_own_row(
    form: LoopForm, reader: Node, place: Place, uses: dict[Tensor, list[tuple[Node, int]]]
) -> bool:
    """Whether the row a turn reads is as it was before the loop: no turn before has changed it."""
    inside = reader.operands[0]
    for k, (_, before) in enumerate(form.carries):
        if before is inside:
            write = _changes_a_row(form, k, uses)
            at = 1 if write is not None and write.op.name == "put_rows" else 2
            return write is not None and place_of(form, write.operands[at]) == place
    return True


# --- writing --------------------------------------------------------------------------------------


def write_by_stacks(graph: Graph, options: Options) -> Graph:
    """Carries of which each turn writes its own row alone, as stacks."""
    change = Edit(graph)
    for node in scans(graph, lean=True):
        form = LoopForm(change, node)
        if form.op.lean:
            continue
        uses = form.graph.uses()
        for k in range(len(form.carries)):
            write = _changes_a_row(form, k, uses)
            if write is None or len(uses.get(form.carries[k][1], ())) > 1:
                continue
            if _stacked(form, k, write, uses):
                options.log.note("loops", write, f"the rows it writes are stacked by {node.name}")
                break
    return change.done()


def _stacked(
    form: LoopForm, k: int, write: Node, uses: dict[Tensor, list[tuple[Node, int]]]
) -> bool:
    fills = write.op.name == "fill_rows"
    places, rows = write.operands[-2:]
    place = place_of(form, places)
    length, size = form.op.length, form.carries[k][0].type.dims[0]
    if place is None or place.slope not in (1, -1) or places.type.shape != (1,):
        return False
    first = place.first if place.slope == 1 else place.first - length + 1
    last = size - first - length
    if dims.lower_bound(first) < 0 or dims.lower_bound(last) < 0:
        return False
    marks = _marks(form, write, uses) if fills else None
    if fills and marks is None:
        return False
    b = form.edit.builder(like=write)
    row = b.squeeze(rows, axis=(0,))
    dropped = (k,) if marks is None else (k, marks)
    start, result = form.carries[k][0], form.result(k)
    marked = None if marks is None else form.result(marks)
    (stack,) = form.done([row], dropped=dropped)
    outer = form.outer.builder(like=write)
    stack = stack if place.slope == 1 else outer.reverse(stack, axis=(0,))
    if first != 0 or last != 0:
        rest = start.type.dims[1:]
        zeros = [0] * len(rest)
        before = outer.slice(start, begin=(0, *zeros), size=(first, *rest))
        after = outer.slice(start, begin=(first + length, *zeros), size=(last, *rest))
        if not fills and write.op.how == "add":
            middle = outer.slice(start, begin=(first, *zeros), size=(length, *rest))
            stack = outer.add(middle, stack)
        stack = outer.concat(before, stack, after, axis=0)
    elif not fills and write.op.how == "add":
        stack = outer.add(start, stack)
    form.outer.replace(result, stack)
    if marked is not None:
        parts = ((first, False), (length, True), (last, False))
        flags = [
            outer.broadcast_to(outer.tensor(np.asarray(value)), shape=(count,))
            for count, value in parts
            if count != 0
        ]
        form.outer.replace(marked, flags[0] if len(flags) == 1 else outer.concat(*flags, axis=0))
    return True


def _marks(form: LoopForm, write: Node, uses: dict[Tensor, list[tuple[Node, int]]]) -> int | None:
    """The carry that marks which rows were written, where none was before the loop."""
    inside, left = write.operands[1], write.outputs[1]
    k = next((k for k, (_, t) in enumerate(form.carries) if t is inside), None)
    if k is None or form.afters[k] is not left or uses.get(left) or k in form.traced:
        return None
    if len(uses.get(inside, ())) > 1 or form.afters.count(left) + form.stacks.count(left) > 1:
        return None
    start = form.carries[k][0].node
    if start.op.name == "broadcast_to":
        start = start.operands[0].node
    if start.op.name != "const" or start.op.value.array.any():
        return None
    return k
