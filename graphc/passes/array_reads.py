"""Arrays whose rows are read once: refuse a run that reads one twice.

A row is read twice by two reads of one index (equal constants, or the same tensor), and by a read
of all rows beside any other.  Copies of one read, which gradients make, are one read.

Before: reads as they were written.   After: the same graph.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

from graphc.ir.graph import Graph, Node
from graphc.ir.shape_values import dims_of
from graphc.ops.control.arrays import read_twice
from graphc.passes.options import Options


def check_array_reads(graph: Graph, options: Options) -> Graph:
    found: dict[str, dict[int, Node]] = {}
    for node in graph.nodes:
        op: Any = node.op
        if op.name == "read_rows" and not op.twice:
            found.setdefault(op.array, {}).setdefault(op.read, node)
    for array, reads in found.items():
        for one, other in combinations(reads.values(), 2):
            if _meet(one, other):
                later = max(one, other, key=lambda n: n.op.read)
                places = later.operands[1:] or min(one, other, key=_reads_all).operands[1:]
                known = dims_of(places[0]) if places else None
                error = read_twice(array, known if isinstance(known, int) else None)
                error.subject, error.site = f"read_rows '{later.name}'", later.site
                error.node_name = later.name
                raise error
    return graph


def _reads_all(node: Node) -> bool:
    return len(node.operands) == 1


def _meet(one: Node, other: Node) -> bool:
    """Whether two reads certainly read one row."""
    if _reads_all(one) or _reads_all(other):
        return one.operands[0].type.dims[0] != 0
    left, right = one.operands[1], other.operands[1]
    if left is right:
        return left.type.elements != 0
    known = [dims_of(t) for t in (left, right)]
    if any(value is None for value in known):
        return False
    rows = [set(v) if isinstance(v, tuple) else {v} for v in known]
    return bool(rows[0] & rows[1])
