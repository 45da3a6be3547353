"""What is made of a loop's stacks turn by turn, so that it can be made for a segment's turns.

Between a loop and the loop of its gradient stands what makes a loss of the outputs and cotangents
of the loss: element-wise work, products with weights, reductions along other axes.  Each of these
tensors has the turns in one axis, at a known place; with fewer turns there the same ops make the
part that belongs to them.  Sums over the turns (of a loss, of a weight's cotangent) are sums of the
parts'.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from graphc.ir.builder import Builder
from graphc.ir.dims import Dim, divide_exactly, product
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.op import Kind

RESHAPES = ("reshape", "expand_dims", "squeeze")
SAME = ("identity", "stop_gradient")


class Place(NamedTuple):
    """Where the turns stand: ``axis`` has ``before * turns * after`` elements."""

    axis: int
    before: Dim
    after: Dim

    def shape(self, dims: Sequence[Dim], turns: Dim) -> tuple[Dim, ...]:
        """The shape with so many turns."""
        size = self.before * turns * self.after
        return (*dims[: self.axis], size, *dims[self.axis + 1 :])


@dataclass
class Region:
    """``nodes`` make ``wanted`` of stacks (``sources``) and of ``outside``, tensors that have the
    turns at a place, and others that have not (``captures``); ``sums`` are those that add up all
    turns."""

    sources: list[Tensor]
    nodes: list[Node] = field(default_factory=list)
    sums: list[Node] = field(default_factory=list)
    wanted: list[Tensor] = field(default_factory=list)
    place: dict[Tensor, Place] = field(default_factory=dict)
    outside: dict[Tensor, Place] = field(default_factory=dict)
    captures: dict[Tensor, None] = field(default_factory=dict)

    def made(self, b: Builder, turns: Dim, values: dict[Tensor, Tensor]) -> dict[Tensor, Tensor]:
        """What the nodes make of ``values`` for so many turns."""
        known = dict(values)
        for node in (*self.nodes, *self.sums):
            operands = [known[t] for t in node.operands]
            known |= zip(node.outputs, self._again(b, node, operands, turns), strict=True)
        return known

    def _again(
        self, b: Builder, node: Node, operands: Sequence[Tensor], turns: Dim
    ) -> Sequence[Tensor]:
        (out,) = node.outputs
        if node.op.name in (*RESHAPES, "broadcast_to"):
            shape = self.place[out].shape(out.type.dims, turns)
            kind = "broadcast_to" if node.op.name == "broadcast_to" else "reshape"
            return [getattr(b, kind)(operands[0], shape=shape)]
        made = b.home.add(node.op, operands, name=node.name)
        made.sites, made.forward = node.sites, node.forward
        return made.outputs


def in_parts(b: Builder, tensor: Tensor, place: Place, count: Dim, size: Dim) -> Tensor:
    """A tensor that has the turns at a place as a stack of parts of ``size`` turns each."""
    shape = tensor.type.dims
    front, back = shape[: place.axis], shape[place.axis + 1 :]
    apart = b.reshape(tensor, shape=(*front, place.before, count, size, place.after, *back))
    at = place.axis + 1
    if product((*front, place.before)) != 1:
        rest = (k for k in range(len(apart.type.dims)) if k != at)
        apart = b.transpose(apart, perm=(at, *rest))
    return b.reshape(apart, shape=(count, *place.shape(shape, size)))


def region_between(
    graph: Graph, turns: Dim, sources: Iterable[Tensor], loop: Node, ends: Sequence[Tensor],
    apart: frozenset[Node] = frozenset(),
) -> Region | None:  # fmt: skip
    """What makes ``ends``, operands of ``loop``, of ``sources``, and sums of the same that the loop
    does not wait for, but for those ``apart``; None where there is nothing."""
    find = _Finder(graph, turns, list(sources), loop)
    find.run()
    find.region.sums = [node for node in find.region.sums if node not in apart]
    region = find.region
    region.wanted = [t for t in ends if region.place.get(t) == Place(0, 1, 1)]
    region.wanted = [t for t in region.wanted if t not in region.sources]
    if not region.wanted and not region.sums:
        return None
    find.trim()
    return region


class _Finder:
    def __init__(self, graph: Graph, turns: Dim, sources: list[Tensor], loop: Node) -> None:
        self.graph, self.turns, self.loop = graph, turns, loop
        self.region = Region(sources)
        self.region.place = dict.fromkeys(sources, Place(0, 1, 1))
        self.reads: dict[Node, tuple[dict[Tensor, Place], list[Tensor]]] = {}
        self.before = _ancestors(loop)

    def run(self) -> None:
        """Follow the turns from the sources on."""
        place, late = self.region.place, {*self.loop.outputs}
        for node in self.graph.nodes:
            if any(t in late for t in node.operands):
                late.update(node.outputs)  # after the loop, or after a sum
                continue
            if node.control or not any(t in place for t in node.operands):
                continue
            if node.op.effect or node.op.random or node.op.may_fail or len(node.outputs) != 1:
                continue
            if self._is_sum(node):
                if node not in self.before:
                    self.region.sums.append(node)
                    self.reads[node] = ({}, [])
                    late.update(node.outputs)
                continue
            self._follow(node)

    def trim(self) -> None:
        """Keep what makes something wanted, and what that reads."""
        region = self.region
        needed = {*region.wanted, *(t for node in region.sums for t in node.operands)}
        kept = []
        for node in reversed(region.nodes):
            if node.outputs[0] in needed:
                needed.update(node.operands)
                kept.append(node)
        region.nodes = kept[::-1]
        for node in (*region.nodes, *region.sums):
            outside, captures = self.reads[node]
            region.outside |= outside
            region.captures |= dict.fromkeys(captures)

    def _is_sum(self, node: Node) -> bool:
        """Whether a node adds up all turns."""
        op, place = node.op, self.region.place
        if op.name == "matmul" and op.transpose_a and not op.transpose_b:
            left, right = node.operands
            return (
                left in place and place.get(left) == place.get(right) and place[left].axis == 0
                and left.type.rank == 2 == right.type.rank
            )  # fmt: skip
        if op.name == "reduce_sum" and not op.keepdims:
            (x,) = node.operands
            return place[x].axis in op.axes(x.type)
        return False

    def _follow(self, node: Node) -> None:
        """Take a node in, if it is made turn by turn."""
        op, place = node.op, self.region.place
        outside: dict[Tensor, Place] = {}
        captures: list[Tensor] = []
        found: Place | None = None
        first = node.operands[0]
        if op.kind is Kind.ELEMENTWISE:
            found = self._elementwise(node, outside, captures)
        elif first not in place:
            return
        elif op.name in SAME:
            found = place[first]
        elif op.name in RESHAPES:
            found = _reshaped(first.type.dims, node.outputs[0].type.dims, place[first], self.turns)
        elif op.name == "transpose" and op.perm is not None:
            found = place[first]._replace(axis=list(op.perm).index(place[first].axis))
        elif op.kind is Kind.REDUCTION and hasattr(op, "axes") and len(node.operands) == 1:
            axes = op.axes(first.type)
            if place[first].axis not in axes:
                less = 0 if op.keepdims else sum(a < place[first].axis for a in axes)
                found = place[first]._replace(axis=place[first].axis - less)
        elif op.name == "matmul" and not op.transpose_a and first.type.rank == 2:
            right = node.operands[1]
            if place[first].axis == 0 and right not in place and right.type.rank == 2:
                captures.append(right)
                found = place[first]
        if found is not None:
            self._add(node, found, outside, captures)

    def _add(
        self, node: Node, found: Place, outside: dict[Tensor, Place] | None = None,
        captures: Sequence[Tensor] = (),
    ) -> None:  # fmt: skip
        self.reads[node] = (outside or {}, list(captures))
        self.region.place[node.outputs[0]] = found
        self.region.nodes.append(node)

    def _is_spread(self, tensor: Tensor, at: Place) -> bool:
        """Whether a tensor is the same for all turns, spread along their axis; then it is taken in,
        so that nobody needs it whole."""
        node, op, rank = tensor.node, tensor.node.op, tensor.type.rank or 0
        if tensor in self.region.place:
            return self.region.place[tensor] == at
        if op.name != "broadcast_to" and (op.kind is not Kind.ELEMENTWISE or op.may_fail):
            return False
        if op.random or op.effect or node.control or len(node.outputs) != 1:
            return False
        captures = []
        for x in node.operands:
            axis = at.axis - (rank - (x.type.rank or 0))
            if axis < 0 or x.type.dims[axis] == 1:
                captures.append(x)
            elif not self._is_spread(x, at._replace(axis=axis)):
                return False
        self._add(node, at, captures=captures)
        return True

    def _elementwise(
        self, node: Node, outside: dict[Tensor, Place], captures: list[Tensor]
    ) -> Place | None:
        place, rank = self.region.place, node.outputs[0].type.rank or 0
        mine = [(t, place[t]) for t in node.operands if t in place]
        said = {
            (rank - (t.type.rank or 0) + at.axis, at.before, at.after) for t, at in mine
        }  # fmt: skip
        if len(said) != 1:
            return None
        found = Place(*next(iter(said)))
        for t in node.operands:
            if t in place:
                continue
            axis = found.axis - (rank - (t.type.rank or 0))
            if axis < 0 or t.type.dims[axis] == 1:
                captures.append(t)
            elif t.type.dims[axis] == found.before * self.turns * found.after:
                at = found._replace(axis=axis)
                if not self._is_spread(t, at):
                    outside[t] = at
            else:
                return None
        return found


def _reshaped(old: Sequence[Dim], new: Sequence[Dim], place: Place, turns: Dim) -> Place | None:
    """Where the turns stand after a reshape, if they stay in one axis."""
    front = product(old[: place.axis]) * place.before
    for axis, size in enumerate(new):
        before = divide_exactly(front, product(new[:axis])) if product(new[:axis]) != 0 else None
        if before is None:
            return None
        step = before * turns
        after = divide_exactly(size, step) if step != 0 else None
        if after is not None and after != 0:
            return Place(axis, before, after)
    return None


def _ancestors(node: Node) -> set[Node]:
    """What a node waits for."""
    found: set[Node] = set()
    waiting = [node]
    while waiting:
        now = waiting.pop()
        for before in (*(t.node for t in now.operands), *now.control):
            if before not in found:
                found.add(before)
                waiting.append(before)
    return found
