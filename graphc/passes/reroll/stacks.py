"""What the turns read of their own, as the slices of one tensor.

``x[:, t]``, ``tf.unstack(x)[t]``, blocks of a tensor, reshapes and look-ups of these: all turns'
slices are made at once, before the loop.  Numbers that differ from turn to turn are one constant.
The carries of a loop, as each turn found them, are its trace.  Anything else is packed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from graphc.ir.builder import Builder
from graphc.ir.graph import Tensor
from graphc.ir.op import Literal

Make = Callable[[Builder], Tensor]
Same = Callable[[Tensor, Tensor], bool]
VIEWS = ("reshape", "squeeze", "expand_dims")


@dataclass(frozen=True)
class Stack:
    """``make`` gives the tensor of all slices; turns take them from the last on if ``falling``
    (None: either way will do)."""

    make: Make
    falling: bool | None


def find_stack(tensors: Sequence[Tensor], same: Same) -> Stack | None:
    """The stack whose slices these are, in the order of the turns; None when there is none."""
    kinds = {t.node.op.name for t in tensors}
    name = tensors[len(tensors) // 2].node.op.name
    if len({t.type for t in tensors}) > 1 or tensors[0].type.shape is None:
        return None
    if name == "unpack":
        return _unpacked(tensors) or _traced(tensors, same)
    if len(kinds) > 1:
        return None
    if name == "const":
        return _constants(tensors)
    if name == "split":
        return _split(tensors)
    if name in ("slice", "strided_slice"):
        return _sliced(tensors)
    return _made_of_slices(tensors, same)


def _order(places: Sequence[int]) -> bool | None:
    """Whether consecutive numbers fall; None when they are not consecutive."""
    steps = {b - a for a, b in pairwise(places)}
    return steps == {-1} if steps in ({1}, {-1}) else None


def _unpacked(tensors: Sequence[Tensor]) -> Stack | None:
    node = tensors[0].node
    places = [t.index for t in tensors]
    falling = _order(places)
    if falling is None or any(t.node is not node for t in tensors):
        return None
    return _slices(node.operands[0], node.op.axis, min(places), len(places), falling)


def _slices(x: Tensor, axis: int, begin: int, count: int, falling: bool) -> Stack:
    """``count`` slices along ``axis``, without that axis."""

    def make(b: Builder) -> Tensor:
        dims = x.type.dims
        at = axis % len(dims)
        part = x
        if dims[at] != count:
            begins = tuple(begin if k == at else 0 for k in range(len(dims)))
            sizes = tuple(count if k == at else d for k, d in enumerate(dims))
            part = b.slice(x, begin=begins, size=sizes)
        return _in_front(b, part, at)

    return Stack(make, falling)


def _in_front(b: Builder, x: Tensor, axis: int) -> Tensor:
    if axis == 0:
        return x
    rank = len(x.type.dims)
    return b.transpose(x, perm=(axis, *(k for k in range(rank) if k != axis)))


def _blocks(b: Builder, x: Tensor, axis: int, count: int) -> Tensor:
    """``count`` blocks of equal size that lie one after the other along ``axis``."""
    dims = x.type.dims
    width = dims[axis] // count
    parts = b.reshape(x, shape=(*dims[:axis], count, width, *dims[axis + 1 :]))
    return _in_front(b, parts, axis)


def _split(tensors: Sequence[Tensor]) -> Stack | None:
    node = tensors[0].node
    op: Any = node.op
    places = [t.index for t in tensors]
    falling = _order(places)
    if falling is None or any(t.node is not node for t in tensors):
        return None
    first, last = min(places), max(places)
    sizes = op.sizes[first : last + 1]
    if len(set(sizes)) > 1 or not all(isinstance(s, int) for s in op.sizes):
        return None
    x, count = node.operands[0], len(places)
    at = op.axis % len(x.type.dims)
    begins = tuple(sum(op.sizes[:first]) if k == at else 0 for k in range(len(x.type.dims)))
    whole = tuple(sum(sizes) if k == at else d for k, d in enumerate(x.type.dims))

    def make(b: Builder) -> Tensor:
        part = x if whole == x.type.dims else b.slice(x, begin=begins, size=whole)
        return _blocks(b, part, at, count)

    return Stack(make, falling)


def _sliced(tensors: Sequence[Tensor]) -> Stack | None:
    """Slices of one tensor that lie one after the other along one axis."""
    ops: list[Any] = [t.node.op for t in tensors]
    x, count = tensors[0].node.operands[0], len(tensors)
    if any(t.node.operands[0] is not x for t in tensors):
        return None
    moving = [k for k in range(len(ops[0].begin)) if len({op.begin[k] for op in ops}) > 1]
    if len(moving) != 1:
        return None
    (axis,) = moving
    begins, width = [op.begin[axis] for op in ops], ops[0].size[axis]
    strides = getattr(ops[0], "strides", (1,) * len(ops[0].begin))
    if not all(isinstance(n, int) for n in (*begins, width)) or (strides[axis] != 1 != width):
        return None
    if width < 1 or any(begin % width != begins[0] % width for begin in begins):
        return None
    falling = _order([begin // width for begin in begins])
    if falling is None or any(getattr(op, "strides", strides) != strides for op in ops):
        return None
    begin = tuple(min(begins) if k == axis else n for k, n in enumerate(ops[0].begin))
    size = tuple(width * count if k == axis else n for k, n in enumerate(ops[0].size))
    steps = tuple(1 if k == axis else n for k, n in enumerate(strides))

    def make(b: Builder) -> Tensor:
        part = x
        if size != x.type.dims:
            part = b.strided_slice(x, begin=begin, size=size, strides=steps)
        return _blocks(b, part, axis, count)

    return Stack(make, falling)


def _constants(tensors: Sequence[Tensor]) -> Stack | None:
    arrays = [t.node.op.value.array for t in tensors]
    if arrays[0].dtype == object:
        return None
    return Stack(lambda b: b.const(value=Literal(np.stack(arrays))), False)


def _made_of_slices(tensors: Sequence[Tensor], same: Same) -> Stack | None:
    """What can be made of all slices at once as of one."""
    nodes = [t.node for t in tensors]
    op: Any = nodes[0].op
    last = len(nodes[0].operands) - 1
    if op.name == "gather":
        if op.axis != 0 or not all(same(n.operands[0], nodes[0].operands[0]) for n in nodes):
            return None
    elif op.name == "one_hot":
        if op.axis not in (-1, tensors[0].type.rank):
            return None
    elif op.name not in (*VIEWS, "cast"):
        return None
    if op.name not in VIEWS and any(n.op != op for n in nodes):
        return None
    if len({id(n) for n in nodes}) < len(nodes) or any(n.control for n in nodes):
        return None
    inner = find_stack([n.operands[last] for n in nodes], same)
    if inner is None:
        return None
    row = tensors[0].type.dims

    def make(b: Builder) -> Tensor:
        stack = inner.make(b)
        if op.name in VIEWS:
            return b.reshape(stack, shape=(len(nodes), *row))
        return b.apply(type(op), [*nodes[0].operands[:last], stack], dict(op.values()))

    return Stack(make, inner.falling)


def _traced(tensors: Sequence[Tensor], same: Same) -> Stack | None:
    """A loop's carry as its turns found it: one end is what the loop began with."""
    for odd, rest in ((0, tensors[1:]), (len(tensors) - 1, tensors[:-1])):
        node = rest[0].node
        stack = node.operands[0] if node.op.name == "unpack" and node.op.axis == 0 else None
        if stack is None or stack.node.op.name != "scan":
            continue
        if any(t.node is not node for t in rest):
            continue
        found = _trace_of(stack, tensors[odd], same)
        if found is None:
            continue
        loop: Any = stack.node.op
        places = [t.index + (-1 if loop.reverse else 1) for t in tensors]
        places[odd] = node.op.num - 1 if loop.reverse else 0
        falling = _order(places)
        if falling is not None:
            return _slices(found, 0, min(places), len(places), falling)
    return None


def _trace_of(stack: Tensor, start: Tensor, same: Same) -> Tensor | None:
    """The trace of the carry whose results ``stack`` holds, if it began as ``start``."""
    node = stack.node
    loop: Any = node.op
    outputs = loop.body.graph.outputs
    for k, carry in enumerate(loop.traced):
        if outputs[carry] is outputs[stack.index] and same(node.operands[carry], start):
            return node.outputs[len(outputs) + k]
    return None
