"""Common subexpression elimination: compute equal things once.

Before: effects in sequence (control edges mean something only to them).
After: no two nodes have equal op, operands, control dependencies and device.
Leaves alone: effects, host calls, random state (two draws are two values), placeholders.
"""

from __future__ import annotations

from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node
from graphc.ir.op import Kind
from graphc.passes.options import Options


def cse(graph: Graph, options: Options) -> Graph:
    change = Edit(graph)
    seen: dict[tuple, Node] = {}
    number: dict[Node, int] = {}  # equal nodes get one number, so keys are small integers
    for node in graph.nodes:
        number[node] = len(number)
        if not is_shareable(node):
            continue
        operands = [(number[t.node], t.index) for t in node.operands]
        if node.op.commutative:
            operands.sort()
        control = tuple(sorted(number[c] for c in node.control))
        first = seen.setdefault((node.op, *operands, control, node.device), node)
        if first is not node:
            number[node] = number[first]
            for old, new in zip(node.outputs, first.outputs, strict=True):
                change.replace(old, new)
            change.add_sites(first, node.sites)
            options.log.note("cse", node, f"same as {first.name}")
    return change.done()


def is_shareable(node: Node) -> bool:
    op = node.op
    if op.effect or op.random or not node.outputs or op.kind is Kind.HOST:
        return False
    return op.name not in ("placeholder", "random_state")
