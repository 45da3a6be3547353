"""Leave out a write that the next one makes again: who reads the first reads the value itself.

``w -= decay * w`` and then ``w -= step`` is two passes over memory; so is a constraint after an
update.  With the first write gone both are one kernel.

Before: effects in sequence, steps spelled as assigns.   After: no assign of a whole variable is
followed by another whose value depends on it.
Leaves alone: a write that something other than a write waits for, and one nobody reads (what it
computes may be a check).
"""

from __future__ import annotations

from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor
from graphc.passes.options import Options


def drop_overwritten(graph: Graph, options: Options) -> Graph:
    found = _overwritten(graph)
    if not found:
        return graph
    change = Edit(graph)
    held: dict[Node, Tensor] = {}  # what a write of the graph writes, the dropped ones left out
    waits: dict[Node, list[Node]] = {}
    for node in graph.nodes:
        if node.op.name != "assign":
            continue
        variable, value = node.operands
        before = variable.node
        control = [c for c in node.control if c not in found]
        if before in found:
            variable = held[before]
            control += [c for c in waits[before] if c not in control]
        held[node], waits[node] = variable, control
        if node in found:
            change.replace(node.outputs[0], value)
            options.log.note("drop-overwritten", node, f"{found[node].name} writes it again")
        else:
            change.rewire(node, (variable, value), control)
    change.set_roots(graph.outputs, tuple(n for n in graph.targets if n not in found))
    return change.done()


def _overwritten(graph: Graph) -> dict[Node, Node]:
    """The writes to leave out, each with the next one."""
    awaited = {c for node in graph.nodes if node.op.name != "assign" for c in node.control}
    uses = graph.uses()
    found = {}
    for node in graph.nodes:
        first = node.operands[0].node if node.op.name == "assign" else node
        if first is node or first.op.name != "assign" or first in awaited:
            continue
        version, value = first.outputs[0], first.operands[1]
        read = any(reader is not node or port for reader, port in uses[version])
        if read and value.type == version.type:
            found[first] = node
    return found
