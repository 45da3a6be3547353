"""Narrowing: an op that can leave out what nobody reads of it does.

Before: cse, so that equal nodes are one and all their readers are seen.   After: a node whose op
has ``narrowed`` gives only what somebody reads, if the op knows a way.   Leaves alone: loops, which
``bodies`` trims.
"""

from __future__ import annotations

from graphc.ir.edit import Edit
from graphc.ir.graph import Graph
from graphc.passes.options import Options


def narrow(graph: Graph, options: Options) -> Graph:
    nodes = [node for node in graph.nodes if node.op.narrowed is not None]
    if not nodes:
        return graph
    read = {*graph.uses(), *graph.outputs}
    change = Edit(graph)
    for node in nodes:
        wanted = [t in read for t in node.outputs]
        op = node.op.narrowed(wanted)
        if op is not None:
            change.builder(like=node)
            made = change.add(op, list(node.operands), name=node.name, control=node.control)
            made.name = node.name
            kept = [t for t, want in zip(node.outputs, wanted, strict=True) if want]
            for old in node.outputs:  # who waits for the node waits for this one
                change.replace(old, made.outputs[0])
            for old, new in zip(kept, made.outputs, strict=True):
                change.replace(old, new)
            options.log.note("narrow", node, "nobody reads the rest of it")
    return change.done()
