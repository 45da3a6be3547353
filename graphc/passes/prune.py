"""Pruning: keep what the fetches and targets need, and cut at what is fed.

Before: any graph with roots.   After: every node is an ancestor of a fetch or target; every fed
tensor is a placeholder, so nothing that only computed it is left.
"""

from __future__ import annotations

from itertools import chain

from graphc.ir.bindings import Bindings
from graphc.ir.edit import Edit
from graphc.ir.graph import Graph
from graphc.passes.options import Options


def prune(graph: Graph, options: Options) -> Graph:
    cut = cut_at_feeds(graph, options)
    if is_needed_whole(cut):
        return cut
    needed = needed_nodes(cut)
    for k, node in enumerate(cut.nodes):
        if k not in needed:
            options.log.note("prune", node, "no fetch or target needs it")
    change = Edit(cut)
    change.set_roots(cut.outputs, cut.targets)
    return change.done()


def is_needed_whole(graph: Graph) -> bool:
    """Whether every node is a root or read by another: what is not needed leads to a node that
    nobody reads."""
    bindings = Bindings(graph.nodes)
    needed = {t.node for t in graph.outputs} | {*graph.targets}
    for node in graph.nodes:
        needed.update(t.node for t in node.operands)
        needed.update(node.control)
        needed.update(bindings.before(node))
    return len(needed) == len(graph.nodes)


def needed_nodes(graph: Graph) -> set[int]:
    """The positions of the roots and their ancestors."""
    import networkx

    position = graph.positions()
    roots = {position[t.node] for t in graph.outputs} | {position[n] for n in graph.targets}
    layers = networkx.bfs_layers(graph.nx.reverse(copy=False), sorted(roots))
    return set(chain.from_iterable(layers))


def cut_at_feeds(graph: Graph, options: Options) -> Graph:
    """Put a placeholder where a computed tensor is fed."""
    fed = [t for t in graph.inputs if t.node.op.name != "placeholder"]
    if not fed:
        return graph
    change = Edit(graph)
    stand_in = {}
    for t in fed:
        shape = t.type.shape
        stand_in[t] = change.builder(t.node).placeholder(dtype=t.dtype, shape=shape)
        change.replace(t, stand_in[t])
        options.log.note("prune", t.node, "fed, so not computed")
    new = change.done()
    new.inputs = tuple(stand_in.get(t, t) for t in graph.inputs)
    return new
