"""Additions that only an addition reads, as one sum of many terms.

A gradient adds what reaches a tensor in pairs; the first turn of a repetition adds less, in other
pairs.  As sums of terms they are seen to be alike.
"""

from __future__ import annotations

from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor

SUMS = ("add", "add_n")
MOST_TERMS = 16  # of more, the rounding of sums in pairs is smaller


def is_sum(node: Node) -> bool:
    """Whether a node adds floating tensors of one type."""
    if node.op.name not in SUMS or node.control or not node.outputs[0].dtype.is_floating:
        return False
    type = node.outputs[0].type
    return all(t.type == type for t in node.operands)


def with_long_sums(graph: Graph) -> Graph:
    """The graph with additions of additions of gradients as one ``add_n`` each."""
    uses = graph.uses()
    roots = set(graph.outputs)
    inner: dict[Node, list[Tensor]] = {}
    change = Edit(graph)
    for node in graph.nodes:
        if node.forward is None or not is_sum(node):
            continue
        terms: list[Tensor] = []
        for t in node.operands:
            known = inner.get(t.node)
            alone = known is not None and len(uses[t]) == 1 and t not in roots
            terms += known if alone and known is not None else [t]
        if len(terms) > MOST_TERMS:
            continue
        inner[node] = terms
        if len(terms) > len(node.operands):
            b = change.builder(like=node)
            change.replace(node.outputs[0], b.add_n(*terms))
    return change.done()
