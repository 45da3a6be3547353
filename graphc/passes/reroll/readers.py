"""Who reads a repetition from outside: slices of some turns, the last turn alone, sums over all.

The gradient of ``x[:, t]``, taken in every turn, is a sum of tensors that are 0 but for one slice:
the slices of all turns, side by side.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

from graphc.ir.graph import Graph, Node, Tensor
from graphc.passes.reroll.alignment import Alignment, Member
from graphc.passes.reroll.sums import is_sum


@dataclass(eq=False)
class Total:
    """``root`` is the sum of what all turns give, and of ``rest``; ``nodes`` are its additions."""

    member: Member
    index: int
    root: Tensor
    rest: list[Tensor]
    nodes: set[Node]


@dataclass(eq=False)
class Spread(Total):
    """A sum whose terms are what the turns give with zeros around it (``paddings``, by turns): one
    stands ``step`` after the one before along ``axis``."""

    paddings: list[tuple]
    axis: int
    step: int


@dataclass
class Readers:
    """What leaves a repetition: (member, output) pairs, and sums over the turns."""

    stacked: list[tuple[Member, int]] = field(default_factory=list)
    last: list[tuple[Member, int]] = field(default_factory=list)
    totals: list[Total] = field(default_factory=list)
    spreads: list[Spread] = field(default_factory=list)


def find_readers(graph: Graph, found: Alignment) -> Readers:
    finder = _Finder(graph, found)
    readers = Readers()
    for member in found.members:
        for index in range(len(member.pattern.outputs)):
            slices = finder.slices(member, index)
            turns = [turn for turn, t in slices.items() if finder.is_read(t, set())]
            if turns == [found.length - 1]:
                readers.last.append((member, index))
            elif turns:
                total = finder.total(member, index, list(slices.values()))
                besides: set[Node] = set()
                if total is not None:
                    readers.totals.append(total)
                    besides = total.nodes
                elif (spread := finder.spread(member, index, list(slices.values()))) is not None:
                    readers.spreads.append(spread)
                    readers.stacked.append((member, index))
                    continue
                if any(finder.is_read(slices[turn], besides) for turn in turns):
                    readers.stacked.append((member, index))
    return readers


def is_read(found: Alignment, tensor: Tensor, besides: set[Node]) -> bool:
    """Whether a node outside, other than ``besides``, reads what a turn gives."""
    readers = found.facts.uses.get(tensor, ())
    return any(r not in found.place and r not in besides for r, _ in readers)


class _Finder:
    def __init__(self, graph: Graph, found: Alignment) -> None:
        self.outputs, self.found, self.uses = set(graph.outputs), found, found.facts.uses

    def slices(self, member: Member, index: int) -> dict[int, Tensor]:
        """What the turns give, those that have the node."""
        return {
            turn: node.outputs[index] for turn, node in enumerate(member.nodes) if node is not None
        }

    def is_read(self, tensor: Tensor, besides: set[Node]) -> bool:
        return tensor in self.outputs or is_read(self.found, tensor, besides)

    def total(self, member: Member, index: int, slices: list[Tensor]) -> Total | None:
        """The sum that all slices are terms of, once each."""
        if len(slices) < self.found.length or not slices[0].dtype.is_floating:
            return None
        root: Tensor | None = None
        upper = self._sum_reading(slices[0])
        while upper is not None:
            root = upper.outputs[0]
            single = root not in self.outputs and len(self.uses.get(root, ())) == 1
            upper = self._sum_reading(root) if single else None
        if root is None:
            return None
        nodes, terms = self._terms(root, set(slices))
        counted = Counter(terms)
        if any(counted[t] != 1 for t in slices):
            return None
        own = set(slices)
        return Total(member, index, root, [t for t in terms if t not in own], nodes)

    def spread(self, member: Member, index: int, slices: list[Tensor]) -> Spread | None:
        """The sum of all slices among zeros, where nobody reads them otherwise."""
        if len(slices) < self.found.length:
            return None
        pads = [r for t in slices for r, _ in self.uses.get(t, ()) if r not in self.found.place]
        if len(pads) != len(slices) or any(p.op.name != "pad" or p.op.value for p in pads):
            return None
        total = self.total(member, index, [p.outputs[0] for p in pads])
        around = [p.op.paddings for p in pads]
        moving = [k for k in range(len(around[0])) if len({a[k] for a in around}) > 1]
        if total is None or len(moving) != 1:
            return None
        (axis,) = moving
        size = slices[0].type.dims[axis]
        begins = [a[axis][0] for a in around]
        steps = {b - a for a, b in pairwise(begins)}
        if not isinstance(size, int) or len(steps) > 1 or steps.isdisjoint((size, -size)):
            return None
        if any(a[k] != around[0][k] for a in around for k in range(len(a)) if k != axis):
            return None
        (step,) = steps
        nodes = total.nodes | set(pads)
        return Spread(member, index, total.root, total.rest, nodes, around, axis, step)

    def _sum_reading(self, tensor: Tensor) -> Node | None:
        """The addition, outside, that reads a tensor."""
        found = [r for r, _ in self.uses.get(tensor, ()) if self._is_sum(r, tensor)]
        return found[0] if len(found) == 1 else None

    def _is_sum(self, node: Node, like: Tensor) -> bool:
        return is_sum(node) and node not in self.found.place and node.outputs[0].type == like.type

    def _terms(self, root: Tensor, slices: set[Tensor]) -> tuple[set[Node], list[Tensor]]:
        """The additions that only ``root`` needs, and what they add."""
        nodes, terms = {root.node}, []
        stack = list(root.node.operands)
        while stack:
            tensor = stack.pop()
            read_once = len(self.uses.get(tensor, ())) == 1 and tensor not in self.outputs
            if tensor not in slices and read_once and self._is_sum(tensor.node, root):
                nodes.add(tensor.node)
                stack += tensor.node.operands
            else:
                terms.append(tensor)
        return nodes, terms
