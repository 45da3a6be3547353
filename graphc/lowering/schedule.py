"""The schedule: units of work in an order that respects data, control and state.

A *unit* is a fusion group, a contraction, or a node that runs in Python.  Units that write
variables, and what depends on them, come after everything else: the first of them is the commit
point.  Within the tail, units of equal structure stand side by side so that their launches can be
joined; before it, products of equal structure do that need nothing of each other.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from graphc.ir.bindings import Bindings
from graphc.ir.dims import product
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.op import Kind
from graphc.lowering.fuse import Fusion, is_free
from graphc.lowering.group import Group
from graphc.lowering.host import runs_in_python
from graphc.lowering.state import readers_before
from graphc.lowering.straight import take_over_assignments

ALIKE = 16  # products in a row: what they make must be kept until somebody reads it
HELD = 4 << 20  # bytes that these may make together, as far as their sizes are known


@dataclass(eq=False)
class Unit:
    """One step to be: ``nodes`` (a group's, or one)."""

    nodes: list[Node]
    group: Group | None
    place: int  # where its first node stands in the graph, for a stable order
    before: set[Unit] = field(default_factory=set)
    into: dict[Tensor, Node] = field(default_factory=dict)  # what it makes, the assign it is for

    @property
    def node(self) -> Node:
        return self.nodes[-1]

    @property
    def multiplies(self) -> bool:
        head = self.node if self.group is None else self.group.head
        return head is not None and head.op.kind is Kind.CONTRACTION

    @property
    def bytes(self) -> int:
        """Of what it makes; nothing for what has sizes that are not known."""
        return sum(
            t.dtype.size * size
            for node in self.nodes
            for t in node.outputs
            if isinstance(size := product(t.type.dims), int)
        )

    @property
    def signature(self) -> tuple:
        """Equal for units that may share a kernel."""
        types = tuple(t.type for n in self.nodes for t in (*n.operands, *n.outputs))
        ranks = tuple((t.dtype.name, t.rank) for t in types)
        return (tuple(n.op.name for n in self.nodes), ranks)


@dataclass
class Schedule:
    """Units in order; the first ``commit`` of them change no variable."""

    units: list[Unit]
    commit: int
    root: dict[Tensor, Tensor]  # a view's memory
    unit_of: dict[Node, Unit]


def schedule(graph: Graph, fusion: Fusion) -> Schedule:
    unit_of: dict[Node, Unit] = {}
    root: dict[Tensor, Tensor] = {}
    unit_of_group: dict[int, Unit] = {}
    for place, node in enumerate(graph.nodes):
        group = fusion.group_of.get(node)
        if group is None and node.op.kind is Kind.VIEW:
            below = node.operands[0]
            root[node.outputs[0]] = root.get(below, below)
        elif group is not None:
            unit = unit_of_group.setdefault(id(group), Unit(group.nodes, group, place))
            unit_of[node] = unit
        elif node.op.kind is not Kind.SOURCE and not is_free(node):
            unit_of[node] = Unit([node], None, place)
    units = list(dict.fromkeys(unit_of.values()))
    _add_data_edges(units, unit_of, root)
    _add_size_edges(graph, unit_of, root)
    _add_state_edges(graph, unit_of)
    units = take_over_assignments(graph, units, unit_of, root)
    ordered, commit = _order(units)
    return Schedule(ordered, commit, root, unit_of)


def _add_data_edges(
    units: list[Unit], unit_of: dict[Node, Unit], root: dict[Tensor, Tensor]
) -> None:
    for unit in units:
        for node in unit.nodes:
            for tensor in node.operands:
                below = unit_of.get(root.get(tensor, tensor).node)
                if below is not None and below is not unit:
                    unit.before.add(below)
            for control in node.control:
                target = (
                    root.get(control.outputs[0], control.outputs[0]).node
                    if control.outputs
                    else control
                )
                below = unit_of.get(target)
                if below is not None and below is not unit:
                    unit.before.add(below)


def _add_size_edges(graph: Graph, unit_of: dict[Node, Unit], root: dict[Tensor, Tensor]) -> None:
    """Whoever needs a data-dependent size, be it to compute what it reads of a free node, runs
    after the node that determines it."""
    bindings = Bindings(graph.nodes)
    if not bindings.binder:
        return
    for node, unit in unit_of.items():
        below = [root.get(t, t).node for t in node.operands]
        for needing in (node, *filter(is_free, below)):
            for binder in bindings.before(needing):
                if unit_of[binder] is not unit:
                    unit.before.add(unit_of[binder])


def _add_state_edges(graph: Graph, unit_of: dict[Node, Unit]) -> None:
    """Whoever reads one version of a variable runs before the next write to it."""
    for write, readers in readers_before(graph).items():
        ending = unit_of[write]
        ending.before.update(
            unit for r in readers if (unit := unit_of.get(r)) is not None and unit is not ending
        )


def _writes(unit: Unit) -> bool:
    return bool(unit.into) or any(n.op.writes is not None for n in unit.nodes)


class _Ready:
    """Units that wait for nothing; the first by their keys is taken, but after a product one of
    equal structure and equal first key, if there is one."""

    def __init__(self) -> None:
        self.all: list[tuple] = []  # a heap
        self.products: dict[tuple, list[tuple]] = {}  # by first key and signature, heaps
        self.taken: set[Unit] = set()
        self.last: tuple | None = None  # first key and signature of the product taken last
        self.run = 0
        self.held = 0
        self.count = 0

    def add(self, unit: Unit, key: tuple) -> None:
        self.count += 1
        entry = (*key, self.count, unit)
        heapq.heappush(self.all, entry)
        if unit.multiplies:
            heapq.heappush(self.products.setdefault((key[0], unit.signature), []), entry)

    def take(self) -> Unit | None:
        full = self.run >= ALIKE or self.held >= HELD
        entry = self._pop(self.products.get(self.last, []) if self.last and not full else [])
        if entry is None:
            entry, self.run, self.held = self._pop(self.all), 0, 0
        if entry is None:
            return None
        unit = entry[-1]
        self.taken.add(unit)
        self.last = (entry[0], unit.signature) if unit.multiplies else None
        self.run += 1
        self.held += unit.bytes
        return unit

    def _pop(self, heap: list[tuple]) -> tuple | None:
        while heap:
            entry = heapq.heappop(heap)
            if entry[-1] not in self.taken:
                return entry
        return None


def _before_failures(late: set[Unit]) -> set[Unit]:
    """The units that can fail, or that one waits for which can: the others write after them, so
    that nothing they write has to be kept."""
    found: set[Unit] = set()
    wanted = [u for u in late if any(n.op.may_fail or runs_in_python(n) for n in u.nodes)]
    while wanted:
        unit = wanted.pop()
        if unit in late and unit not in found:
            found.add(unit)
            wanted.extend(unit.before)
    return found


def _order(units: list[Unit]) -> tuple[list[Unit], int]:
    after: dict[Unit, list[Unit]] = {u: [] for u in units}
    for unit in units:
        for below in unit.before:
            after[below].append(unit)
    late: set[Unit] = set()
    wanted = [u for u in units if _writes(u)]
    while wanted:
        unit = wanted.pop()
        if unit not in late:
            late.add(unit)
            wanted.extend(after[unit])
    risky = _before_failures(late)
    waiting = {u: len(u.before) for u in units}
    ranks: dict[tuple, int] = {}

    def key(unit: Unit) -> tuple:
        if unit not in late:
            return (0, unit.place, 0)
        safe = unit not in risky
        return (1 + safe, ranks.setdefault(unit.signature, len(ranks)), unit.place)

    ready = _Ready()
    for unit in units:
        if not waiting[unit]:
            ready.add(unit, key(unit))
    ordered: list[Unit] = []
    while (following := ready.take()) is not None:
        ordered.append(following)
        for above in after[following]:
            waiting[above] -= 1
            if not waiting[above]:
                ready.add(above, key(above))
    if len(ordered) != len(units):
        raise AssertionError("bug in graphc: the schedule has a cycle")
    commit = next((k for k, u in enumerate(ordered) if u in late), len(ordered))
    return ordered, commit
