"""Branches and loops: leave out what nobody reads, and run the passes inside.

Before: nodes whose bodies are as they were traced.   After: a loop gives no trace or stack that
nobody reads, and carries nothing that only carries itself; every body has been through the
pipeline, for the types of this graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.ir.bindings import Bindings, data_sizes, sizes_read
from graphc.ir.body import Body
from graphc.ir.edit import Edit, extract
from graphc.ir.graph import Graph, Node, Tensor
from graphc.passes.specialise import reinferred

LOOPS = ("scan", "while_loop")


def optimise_bodies(graph: Graph, inside: Callable[[Graph], Graph]) -> Graph:
    """``inside`` runs the passes on a body's graph."""
    if not any(_has_bodies(node) for node in graph.nodes):
        return graph
    graph = trim_loops(graph)
    change, learned = Edit(graph), False
    for node in graph.nodes:
        if _has_bodies(node):
            op: Any = node.op.with_bodies(
                [Body(inside(body.graph)) for body in node.op.fitted_to(_types(node))]
            )
            if op != node.op:
                made = _replace(
                    change, node, op, list(node.operands), list(range(len(node.outputs)))
                )
                learned |= any(
                    a.type != b.type for a, b in zip(made.outputs, node.outputs, strict=True)
                )
    # The passes inside may have told sizes, which the nodes behind are told then.
    return reinferred(change.done(), {}) if learned else change.done()


def _has_bodies(node: Node) -> bool:
    return hasattr(node.op, "with_bodies")


def _types(node: Node) -> list:
    return [t.type for t in node.operands]


def _replace(change: Edit, node: Node, op: Any, operands: list[Tensor], kept: list[int]) -> Node:
    """Put ``op`` in the node's place; its outputs are those ``kept`` of the node's."""
    change.builder(like=node)
    made = change.add(op, operands, name=node.name, control=node.control)
    made.name = node.name
    for old in node.outputs:  # who waits for the node waits for this one
        change.replace(old, made.outputs[0])
    for old, new in zip((node.outputs[k] for k in kept), made.outputs, strict=True):
        change.replace(old, new)
    return made


def trim_loops(graph: Graph) -> Graph:
    """The graph without what loops compute, carry and read for nobody."""
    while True:
        trimmed = _trimmed(graph)
        if trimmed is graph:
            return graph
        graph = trimmed


def _trimmed(graph: Graph) -> Graph:
    """One round of leaving out; the same graph when nothing is left to."""
    read = {*graph.uses(), *graph.outputs}
    sizes = {name for node in graph.nodes for name in sizes_read(node.op)}
    change = Edit(graph)
    for node in graph.nodes:
        if node.op.name in LOOPS:
            wanted = [t in read for t in node.outputs]
            wanted[0] |= not any(wanted)  # it is run for its effects
            if not sizes.isdisjoint(data_sizes(getattr(node.op, "sizes", ())[:1])):
                _count(node, wanted)
            for k, shape in enumerate(getattr(node.op, "invariants", ())):
                wanted[k] |= not sizes.isdisjoint(data_sizes(shape))
            _trim(change, node, wanted)
    return change.done()


def _count(node: Node, wanted: list[bool]) -> None:
    """Want one stack or trace: another node asks how many turns there were, and their size says."""
    op: Any = node.op
    ranks = {k: node.outputs[k].type.rank for k in range(op.carried, len(wanted))}
    known = {k: rank for k, rank in ranks.items() if rank is not None}
    if known and not any(wanted[k] for k in known):
        wanted[min(known, key=known.__getitem__)] = True


def _trim(change: Edit, node: Node, wanted: list[bool]) -> None:
    op: Any = node.op
    bodies = op.fitted_to(_types(node))
    body, n = bodies[-1], op.carried
    rows = len(wanted) - n - len(op.traced)  # stacks
    stacks = [k for k in range(rows) if wanted[n + k]]
    traced = [c for k, c in enumerate(op.traced) if wanted[n + rows + k]]
    live, inputs = _live(bodies, n, [k for k in range(n) if wanted[k]] + traced, stacks)
    count = len(node.operands)
    if (len(live), len(stacks), len(inputs)) == (n, rows, count) and traced == [*op.traced]:
        return
    scanned = [k for k in inputs if n <= k < n + getattr(op, "scanned", 0)]
    places = [0, *(1 + k for k in inputs)]
    changed: dict[str, Any] = {"carried": len(live), "traced": tuple(map(live.index, traced))}
    outputs = [*live, *(n + k for k in stacks)]
    if op.name == "scan":
        changed |= {"scanned": len(scanned), "body": without(body, places, outputs)}
    else:
        shapes = tuple(op.invariants[k] for k in live if op.invariants)
        changed |= {
            "body": without(body, places, outputs), "invariants": shapes,
            "test": without(bodies[0], places, [0]),
            "sizes": op.sizes if traced or stacks or any(shapes) else (),
        }  # fmt: skip
    kept = [*live, *(n + k for k in stacks)]
    kept += [n + rows + k for k, c in enumerate(op.traced) if c in traced and wanted[n + rows + k]]
    _replace(change, node, op.replace(**changed), [node.operands[k] for k in inputs], kept)


def _live(
    bodies: list[Body], carried: int, carries: list[int], stacks: list[int]
) -> tuple[list[int], list[int]]:
    """The carries that what is wanted depends on, and all operands it depends on."""
    needs, always = zip(*map(_needs, bodies), strict=True)
    reached = 0
    for mask in always:
        reached |= mask
    if len(bodies) > 1:
        reached |= needs[0][0]  # the test
    for k in stacks:
        reached |= needs[-1][carried + k]
    reached |= sum(1 << (1 + k) for k in set(carries))
    while True:
        before = reached
        for k in range(carried):
            if reached >> (1 + k) & 1:
                reached |= needs[-1][k]
        if reached == before:
            break
    operands = [k for k in range(len(bodies[-1].graph.inputs) - 1) if reached >> (1 + k) & 1]
    return [k for k in operands if k < carried], operands


def _needs(body: Body) -> tuple[list[int], int]:
    """For each output the inputs it depends on, as bits; and those that effects depend on."""
    graph = body.graph
    place = {t.node: k for k, t in enumerate(graph.inputs)}
    masks: dict[Node, int] = {}
    sizes = Bindings(graph.nodes)
    for node in graph.nodes:
        mask = 1 << place[node] if node in place else 0
        for before in (*(t.node for t in node.operands), *node.control, *sizes.before(node)):
            mask |= masks[before]
        masks[node] = mask
    effects = 0
    for node in graph.targets:
        effects |= masks[node]
    return [masks[t.node] for t in graph.outputs], effects


def without(body: Body, inputs: list[int], outputs: list[int]) -> Body:
    """The body with only these inputs and outputs."""
    graph = body.graph
    kept = tuple(graph.inputs[k] for k in inputs)
    part = extract(graph, kept, [graph.outputs[k] for k in outputs], graph.targets)
    part.vjps = graph.vjps
    return Body(part)
