"""What is looked up of a graph while repetitions are sought: equal things, readers, chains.

Nodes are told apart by what they do and of what type (``kind``); of equal things one number is
kept, so that the constant 1 of every turn is one.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.op import Kind
from graphc.passes.cse import is_shareable

FEWEST = 4  # turns worth a loop
MOST_TRIED = 24  # classes of nodes that are tried as the beginning of a turn
FARTHEST = 2000  # nodes between two turns that are looked at


class Facts:
    """One sweep over ``graph``."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.position = graph.positions()
        self.uses = graph.uses()
        self.number: dict[Node, int] = {}
        seen: dict[tuple, int] = {}
        for node in graph.nodes:
            own = len(self.number)
            if is_shareable(node):
                key = (node.op, *((self.number[t.node], t.index) for t in node.operands))
                own = seen.setdefault(key, own)
            self.number[node] = own

    def same(self, one: Tensor, other: Tensor) -> bool:
        """Whether both hold the same value."""
        return one is other or (
            one.index == other.index and self.number[one.node] == self.number[other.node]
        )

    def chains(self) -> Iterator[list[Node]]:
        """Nodes of one kind of which each depends on the one before, likely ones first: those that
        multiply by the same weights, then any that are as many as there are of another."""
        classes: dict[tuple, list[Node]] = {}
        for node in self.graph.nodes:
            if is_repeatable(node) and node.operands:
                classes.setdefault(self._class(node), []).append(node)
        found = [nodes for nodes in classes.values() if len(nodes) >= FEWEST]
        products = [nodes for nodes in found if nodes[0].op.kind is Kind.CONTRACTION]
        others = [nodes for nodes in found if nodes[0].op.kind is not Kind.CONTRACTION]
        others.sort(key=lambda nodes: (len(nodes), self.position[nodes[0]]))
        tried = 0
        for nodes in (*products, *others):
            if self._is_chain(nodes):
                yield nodes
                tried += 1
            if tried == MOST_TRIED:
                return

    def _class(self, node: Node) -> tuple:
        sources = tuple(self.number[t.node] if t.node.op.source else -1 for t in node.operands)
        types = tuple(t.type for t in node.operands)
        return (node.op, node.device, sources, types, node.forward is None)

    def _is_chain(self, nodes: list[Node]) -> bool:
        """Whether, in the middle, one depends on the one before."""
        k = len(nodes) // 2
        first, second = nodes[k - 1], nodes[k]
        seen, stack = {second}, [second]
        earliest = self.position[first]
        while stack and len(seen) < FARTHEST:
            for before in (t.node for t in stack.pop().operands):
                if before is first:
                    return True
                if before not in seen and self.position[before] > earliest:
                    seen.add(before)
                    stack.append(before)
        return False

    def turns(self, chain: list[Node]) -> tuple[list[Node], dict[Node, int]]:
        """The longest stretch of a chain in which each depends on all before; and for each node the
        last of these that it depends on (those that depend on none are left out)."""
        while True:
            begins, turn = [0], self._sweep(chain)
            for k, node in enumerate(chain):
                before = max((turn.get(t.node, -1) for t in node.operands), default=-1)
                if k and before != k - 1:
                    begins.append(k)
            ends = [*begins[1:], len(chain)]
            begin, end = max(zip(begins, ends, strict=True), key=lambda pair: pair[1] - pair[0])
            if (begin, end) == (0, len(chain)):
                return chain, turn
            chain = chain[begin:end]

    def _sweep(self, chain: list[Node]) -> dict[Node, int]:
        seeds = {node: k for k, node in enumerate(chain)}
        turn: dict[Node, int] = {}
        for node in self.graph.nodes[self.position[chain[0]] :]:
            own = seeds.get(node, -1)
            for operand in node.operands:
                own = max(own, turn.get(operand.node, -1))
            if own >= 0:
                turn[node] = own
        return turn


def is_repeatable(node: Node) -> bool:
    """Whether a turn of a loop may compute it."""
    op = node.op
    if op.effect or op.random or op.source or op.binding is not None or node.control:
        return False
    return bool(node.outputs) and op.kind not in (Kind.HOST, Kind.EFFECT, Kind.SOURCE)
