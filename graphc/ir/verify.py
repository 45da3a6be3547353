"""What must hold of a graph between passes.

* I1  nodes stand in dependency order (operands, control dependencies and the nodes that determine
      data-dependent sizes come first), so the graph is acyclic, and none is missing
* I2  an operand is one of the outputs of the node it names
* I3  a node's op is registered, has as many operands as the op takes, and hashable attributes
* I4  the types of a node's outputs are what the op's ``infer_type`` says
* I5  names are unique, and look-up by name finds the node
* I6  after *sequence-effects*: the effects on one variable form a chain by their variable operand,
      and only effects have control dependencies
* I7  fetches and targets are in the graph; nothing is fed twice
* I8  after *expand*: no op is left that other ops spell

Numbers are never given to another invariant.  All failures are collected (up to a screenful), each
with the node's text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from graphc.errors import InternalError
from graphc.ir.bindings import Bindings
from graphc.ir.graph import Graph, Node, infer
from graphc.ir.op import REGISTRY
from graphc.ir.text import node_text, print_graph
from graphc.ir.types import Mismatch

Failure = tuple[str, Node | None, str]  # invariant, node, fact

_SHOWN = 8  # failures in a message
_WHOLE = 40  # nodes of a graph that is printed whole


def verify(graph: Graph, after: str = "", established: Iterable[str] = ()) -> None:
    """Raise :class:`InternalError` naming the pass ``after`` which an invariant is broken.

    ``established`` adds the invariants that hold from some pass on (I6, I8).
    """
    checks = [*ALWAYS, *(LATER[name] for name in LATER if name in set(established))]
    found = list(islice((f for check in checks for f in check(graph)), _SHOWN))
    if not found:
        return
    where = f"after pass {after!r}: " if after else ""
    lines = [f"bug in graphc: {where}[{found[0][0]}] {found[0][2]}"]
    for number, node, fact in found:
        shown = f"\n        {node_text(node)}" if node is not None else ""
        lines.append(f"    [{number}] {fact}{shown}")
    if len(graph.nodes) <= _WHOLE:
        lines.append("  the graph:")
        lines += [f"    {line}" for line in print_graph(graph, sites=False).splitlines()]
    raise InternalError("\n".join(lines))


def _order(graph: Graph) -> Iterator[Failure]:
    position = graph.positions()
    sizes = Bindings(graph.nodes)
    for k, node in enumerate(graph.nodes):
        for before in [*(t.node for t in node.operands), *node.control, *sizes.before(node)]:
            at = position.get(before)
            if at is None:
                yield "I1", node, f"{node.name} depends on {before.name}, which is not in the graph"
            elif at >= k:
                yield "I1", node, f"{node.name} stands before {before.name}, which it depends on"


def _operands(graph: Graph) -> Iterator[Failure]:
    for node in graph.nodes:
        for port, t in enumerate(node.operands):
            outputs = t.node.outputs
            if t.index >= len(outputs) or outputs[t.index] is not t:
                yield "I2", node, f"operand {port} of {node.name} is no output of {t.node.name}"


def _ops(graph: Graph) -> Iterator[Failure]:
    for node in graph.nodes:
        op = node.op
        least, most = op.arity()
        count = len(node.operands)
        if REGISTRY.get(op.name) is not type(op):
            yield "I3", node, f"op {op.name!r} of {node.name} is not registered"
        if count < least or (most is not None and count > most):
            yield "I3", node, f"{op.name} takes {least} operands, {node.name} has {count}"


def _types(graph: Graph) -> Iterator[Failure]:
    for node in graph.nodes:
        try:
            types, _ = infer(node.op, [t.type for t in node.operands])
        except Mismatch as mismatch:
            yield "I4", node, f"{node.name} has operands its op refuses: {mismatch.fact}"
            continue
        said = tuple(t.type for t in node.outputs)
        if types != said:
            shown = ", ".join(map(str, types))
            yield "I4", node, f"the type of {node.name} should be {shown}"


def _names(graph: Graph) -> Iterator[Failure]:
    seen: set[str] = set()
    for node in graph.nodes:
        if node.name in seen:
            yield "I5", node, f"two nodes are called {node.name}"
        seen.add(node.name)
        if graph.by_name.get(node.name) is None:
            yield "I5", node, f"{node.name} is not found by its name"


def _effects(graph: Graph) -> Iterator[Failure]:
    next_write: dict[object, Node] = {}
    for node in graph.nodes:
        op = node.op
        if not node.has_effect and node.control:
            yield "I6", node, f"{node.name} is pure and waits for {node.control[0].name}"
        if op.writes is None:
            continue
        held = node.operands[op.writes]
        other = next_write.setdefault(held, node)
        if other is not node:
            yield "I6", node, f"{other.name} and {node.name} both write {held.name}"
        if held.node.op.name != "variable" and held.node.op.writes is None:
            yield "I6", node, f"{node.name} writes {held.name}, which is no variable"


def _interface(graph: Graph) -> Iterator[Failure]:
    inside = set(graph.nodes)
    for node in [*(t.node for t in graph.outputs), *graph.targets]:
        if node not in inside:
            yield "I7", node, f"root {node.name} is not in the graph"
    if len(set(graph.inputs)) != len(graph.inputs):
        yield "I7", None, "a tensor is fed twice"


def _expanded(graph: Graph) -> Iterator[Failure]:
    for node in graph.nodes:
        if node.op.expand is not None:
            yield "I8", node, f"{node.name} should have been spelled out"


ALWAYS: tuple[Callable[[Graph], Iterator[Failure]], ...] = (
    _order, _operands, _ops, _types, _names, _interface,
)  # fmt: skip
LATER: dict[str, Callable[[Graph], Iterator[Failure]]] = {"I6": _effects, "I8": _expanded}
