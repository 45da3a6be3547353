"""Effects in sequence: who writes a variable when, and which value each read sees, become edges.

What a run means: the effects on one variable happen in the order of control dependencies, then of
creation.  A pure read sees the value at the start of the run, unless its reader depends on a write
(through data or control): then it sees what the last such write left.  A read-modify-write sees
what the write before it left, and so does a ``latest``.

Before: control edges as the user drew them; every node is needed by a root.
After:
* the variable operand of the second and later effects on a variable is the output of the effect
  before it, so data edges alone order them, and every read is of one fixed value;
* a reader that depends on a write reads that write's output instead of the variable;
* control edges lead from effects to effects; on pure nodes an order means nothing;
* the targets are the effects, and the ops that may fail which only a control edge kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor
from graphc.passes.options import Options


def sequence_effects(graph: Graph, options: Options) -> Graph:
    if not graph.targets and not any(node.control or node.has_effect for node in graph.nodes):
        return graph
    change = Edit(graph)
    reads = reads_in_sequence(graph)
    waits = _Waits()
    for node in graph.nodes:
        operands = reads.get(node, node.operands)
        inside = {t.node for t in operands}
        control = [c for c in waits.effects_before(node) if c not in inside]
        change.rewire(node, operands, control if node.has_effect else ())
        for old, new in zip(node.operands, operands, strict=True):
            if old is not new:
                options.log.note(
                    "sequence-effects", node, f"reads {old.name} after {new.node.name}"
                )
    targets = _targets(graph, reads)
    if targets != graph.targets:
        change.set_roots(graph.outputs, targets)
    return change.done()


class _Waits:
    """What control edges make a node wait for, seen through the pure nodes between."""

    def __init__(self) -> None:
        self.behind: dict[Node, tuple[Node, ...]] = {}

    def effects_before(self, node: Node) -> tuple[Node, ...]:
        found: dict[Node, None] = {}
        for before in node.control:
            if before.has_effect:
                found[before] = None
            else:
                if before not in self.behind:
                    self.behind[before] = tuple(_nearest_effects(before))
                found |= dict.fromkeys(self.behind[before])
        return tuple(found)


def _nearest_effects(node: Node) -> Iterator[Node]:
    """The effects that a pure node depends on, not looking behind them."""
    seen = {node}
    stack = [node]
    while stack:
        for before in _before(stack.pop()):
            if before not in seen:
                seen.add(before)
                if before.has_effect:
                    yield before
                else:
                    stack.append(before)


def _before(node: Node) -> Iterable[Node]:
    yield from (t.node for t in node.operands)
    yield from node.control


def _targets(graph: Graph, reads: dict[Node, tuple[Tensor, ...]]) -> tuple[Node, ...]:
    """The effects, and ops that may fail and that no data leads to any more."""
    effects = [node for node in graph.nodes if node.has_effect]
    kept: set[Node] = set()
    stack = [*effects, *(t.node for t in graph.outputs)]
    while stack:
        node = stack.pop()
        if node not in kept:
            kept.add(node)
            stack += [t.node for t in reads.get(node, node.operands)]
    return tuple(n for n in graph.nodes if n.has_effect or (n.op.may_fail and n not in kept))


def reads_in_sequence(graph: Graph) -> dict[Node, tuple[Tensor, ...]]:
    """The operands of the nodes that read a variable after a write to it."""
    effects: dict[Tensor, list[Node]] = {}
    for node in graph.nodes:
        if node.op.writes is not None:
            effects.setdefault(written(node), []).append(node)
    if not effects:
        return {}
    order = creation_order(graph)
    readers = graph.uses()
    after, position = _successors(graph), graph.positions()
    rewired: dict[Node, list[Tensor]] = {}
    for variable, writers in effects.items():
        writers.sort(key=order.__getitem__)
        readings = readers.get(variable, ())
        pure = [(r, p) for r, p in readings if r.op.writes != p and r.op.name != "latest"]
        end = max((position[reader] for reader, _ in pure), default=0)
        latest = _latest_write(writers, after, position, end)
        for reader, port in pure:
            if reader in latest:
                rewired.setdefault(reader, list(reader.operands))[port] = latest[reader]
        latests = [r for r, _ in readings if r.op.name == "latest"]
        held = variable
        for writer in sorted([*writers, *latests], key=order.__getitem__):
            if writer.op.name == "latest":
                rewired[writer] = [held]
                continue
            target = writer.op.writes
            assert target is not None
            rewired.setdefault(writer, list(writer.operands))[target] = held
            held = writer.outputs[0]
    return {node: tuple(operands) for node, operands in rewired.items()}


def _latest_write(
    writers: list[Node], after: dict[Node, list[Node]], position: dict[Node, int], end: int
) -> dict[Node, Tensor]:
    """For the nodes up to ``end`` that depend on a write, what the last such write left.

    Nodes stand in dependency order, so none beyond the last reader leads to it."""
    latest: dict[Node, Tensor] = {}
    for writer in writers:
        if position[writer] >= end:
            continue
        seen = {writer}
        stack = [writer]
        while stack:
            for node in after.get(stack.pop(), ()):
                if node not in seen and position[node] <= end:
                    seen.add(node)
                    latest[node] = writer.outputs[0]
                    stack.append(node)
    return latest


def _successors(graph: Graph) -> dict[Node, list[Node]]:
    after: dict[Node, list[Node]] = {}
    for node in graph.nodes:
        for before in _before(node):
            after.setdefault(before, []).append(node)
    return after


def written(effect: Node) -> Tensor:
    """The variable an effect writes, looking through the effects before it."""
    node = effect
    while (port := node.op.writes) is not None:
        tensor = node.operands[port]
        node = tensor.node
    return tensor


def creation_order(graph: Graph) -> dict[Node, int]:
    """When the user made each node; where dependencies contradict that, the nearest order that
    they allow."""
    homes: dict[int, dict[str, int]] = {}
    made: list[int] = []
    for k, node in enumerate(graph.nodes):
        home = node.graph if node.graph is not None else graph
        if id(home) not in homes:
            homes[id(home)] = {n.name: position for position, n in enumerate(home.nodes)}
        made.append(homes[id(home)].get(node.name, k))
    order = dict(zip(graph.nodes, made, strict=True))
    if all(order[before] < order[node] for node in graph.nodes for before in _before(node)):
        return order
    import networkx

    sorted_nodes = networkx.lexicographical_topological_sort(graph.nx, key=made.__getitem__)
    return {graph.nodes[k]: position for position, k in enumerate(sorted_nodes)}
