"""Merging nodes into groups without making a cycle among the groups.

The groups and the nodes not in any form a graph of their own, which must stay acyclic: a group is
*convex* when no path leaves it and comes back, through other groups included.  A topological order
of that graph is kept while groups grow, so a question looks only at what lies between two groups
in the order, and an answer costs what it visits (Pearce and Kelly, "A dynamic topological sort
algorithm for directed acyclic graphs", 2006).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphc.ir.graph import Graph, Node

SEARCH = 256  # groups a question visits before it is declined


class Contraction:
    """The graph of groups.  Nodes are integers here, their positions in the graph; a group is one
    of its members."""

    def __init__(self, graph: Graph, extra: Mapping[Node, Sequence[Node]]) -> None:
        self.position = graph.positions()
        count = len(graph.nodes)
        self.owner = list(range(count))
        self.members: dict[int, list[int]] = {}
        self.order = list(range(count))  # per group
        self.before: list[list[int]] = [[] for _ in range(count)]
        self.after: list[list[int]] = [[] for _ in range(count)]
        for k, node in enumerate(graph.nodes):
            earlier = (*(t.node for t in node.operands), *node.control, *extra.get(node, ()))
            for other in dict.fromkeys(earlier):
                place = self.position[other]
                self.before[k].append(place)
                self.after[place].append(k)

    def rank(self, node: Node) -> int:
        """Where a node's group stands in the order."""
        return self.order[self.owner[self.position[node]]]

    def merge(self, a: Node, b: Node) -> bool:
        """Make the groups of two nodes one; False when a path between them leaves both (or the
        question grows too large)."""
        first, second = (self.owner[self.position[n]] for n in (a, b))
        if first == second:
            return True
        order = self.order
        low, high = (first, second) if order[first] < order[second] else (second, first)
        behind = self._between(high, self.before, order[low], order[high])
        if behind is None or any(low in self._neighbours(x, self.before) for x in behind):
            return False
        ahead: set[int] = set()
        if behind:
            found = self._between(low, self.after, order[low], order[high])
            if found is None:
                return False
            ahead = found
        slots = sorted(order[x] for x in (low, high, *behind, *ahead))
        self._unite(low, high)
        ranked = sorted(behind, key=order.__getitem__), sorted(ahead, key=order.__getitem__)
        for group, slot in zip((*ranked[0], low, *ranked[1]), slots, strict=False):
            order[group] = slot
        return True

    def _unite(self, low: int, high: int) -> None:
        joined = self.members.pop(high, [high])
        self.members.setdefault(low, [low]).extend(joined)
        for member in joined:
            self.owner[member] = low

    def _neighbours(self, group: int, edges: list[list[int]]) -> set[int]:
        owner = self.owner
        near = {owner[n] for m in self.members.get(group, (group,)) for n in edges[m]}
        near.discard(group)
        return near

    def _between(self, start: int, edges: list[list[int]], low: int, high: int) -> set[int] | None:
        """The groups strictly between two places of the order that ``start`` reaches."""
        found: set[int] = set()
        wanted = [start]
        while wanted:
            for other in self._neighbours(wanted.pop(), edges):
                if other not in found and low < self.order[other] < high:
                    found.add(other)
                    if len(found) > SEARCH:
                        return None
                    wanted.append(other)
        return found
