"""Versions of variables: every write ends one, and whoever reads that one must run before the
write.
"""

from __future__ import annotations

from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.op import Kind


def variable_of(write: Node) -> Node:
    """The variable that a write (or a chain of writes) is to."""
    node = write
    while node.op.writes is not None:
        node = node.operands[node.op.writes].node
    return node


def readers_before(graph: Graph) -> dict[Node, list[Node]]:
    """For each write, the nodes that read the version it overwrites (through views too)."""
    uses = graph.uses()
    found: dict[Node, list[Node]] = {}
    for node in graph.nodes:
        if node.op.writes is not None:
            version = node.operands[node.op.writes]
            found[node] = [r for r in _readers(version, uses) if r is not node]
    return found


def _readers(version: Tensor, uses: dict[Tensor, list[tuple[Node, int]]]) -> list[Node]:
    readers: dict[Node, None] = {}
    wanted = [version]
    while wanted:
        for reader, port in uses.get(wanted.pop(), ()):
            if port == reader.op.writes:
                continue
            readers[reader] = None
            if reader.op.kind is Kind.VIEW:
                wanted.extend(reader.outputs)
    return list(readers)
