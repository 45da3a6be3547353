"""Specialise a graph to what is known about its sizes: re-infer every type under a substitution.

Before: any verified graph.   After: symbols that type rules took as equal are one symbol, symbols
given in ``sizes`` are replaced, shapes of unknown rank follow from the operands, and so do sizes
that ``set_shape`` named where the rank was unknown.
"""

from __future__ import annotations

from collections.abc import Iterable

from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.graph import Graph, Node, infer, type_error
from graphc.ir.types import Equal, Mismatch


def specialise(graph: Graph, sizes: dict[str, Dim]) -> Graph:
    """The graph with ``sizes`` (symbol -> dim) substituted and equal dims made one."""
    checks = [check for node in graph.nodes for check in node.checks]
    unified = unify(checks, sizes)
    unranked = any(t.type.shape is None for n in graph.nodes for t in n.outputs)
    if not unified and not unranked and not _said(graph):
        return graph
    for _ in range(2):  # types inferred for the first time may meet dims not seen before
        before, graph = graph, reinferred(graph, unified)
        known = unified | _worked_out(before, graph)
        found = unify([c for n in graph.nodes for c in n.checks], known)
        if found == unified:
            break
        unified = found
    return graph


def _said(graph: Graph) -> set[str]:
    """Symbols of computed tensors that no source has and no run counts: ``set_shape`` made them for
    a tensor whose rank was unknown."""
    brought: set[str] = set()
    used: set[str] = set()
    for node in graph.nodes:
        target = brought if node.op.source else used
        for tensor in node.outputs:
            for dim in tensor.type.shape or ():
                if not isinstance(dim, int):
                    target |= {s.name for s in dims.symbols(dim) if not s.data}
    return used - brought


def _worked_out(before: Graph, after: Graph) -> dict[str, Dim]:
    """What the symbols that were only said are, by the types inferred after."""
    said = _said(before)
    found: dict[str, Dim] = {}
    for old, new in zip(before.nodes, after.nodes, strict=True) if said else ():
        for was, now in zip(old.outputs, new.outputs, strict=True):
            if was.type.rank is None or was.type.rank != now.type.rank:
                continue
            for left, right in zip(was.type.dims, now.type.dims, strict=True):
                atom = dims.single_atom(left)
                if isinstance(atom, dims.Symbol) and atom.name in said and left != right:
                    found.setdefault(atom.name, right)
    return found


def unify(checks: Iterable[Equal], known: dict[str, Dim]) -> dict[str, Dim]:
    """A substitution under which checked dims that are symbols become equal."""
    chosen = dict(known)
    for check in dict.fromkeys(checks):
        left, right = (_settled(d, chosen) for d in (check.left, check.right))
        if left == right or any(s.data for d in (left, right) for s in dims.symbols(d)):
            continue  # a size that the run counts is compared when it is counted
        if 1 in (left, right) and check.what.startswith("axis -"):
            continue  # an axis of size 1 stretches in a broadcast: the other size stays its own
        pairs = [(left, right), (right, left)]
        pairs.sort(key=lambda pair: str(pair[1]))
        for old, new in pairs:
            atom = dims.single_atom(old)
            if isinstance(atom, dims.Symbol) and atom not in dims.symbols(new):
                chosen[atom.name] = new
                break
    return {name: _settled(dim, chosen) for name, dim in chosen.items()}


def _settled(dim: Dim, chosen: dict[str, Dim]) -> Dim:
    for _ in range(len(chosen) + 1):
        after = dims.substitute(dim, chosen)
        if after == dim:
            return dim
        dim = after
    return dim


def reinferred(graph: Graph, sizes: dict[str, Dim]) -> Graph:
    """The graph with every type told anew by its op, ``sizes`` substituted."""
    made: dict[Node, Node] = {}
    for node in graph.nodes:
        op = node.op.substitute(sizes)
        operands = tuple(made[t.node].outputs[t.index] for t in node.operands)
        try:
            types, checks = infer(op, [t.type for t in operands])
        except Mismatch as mismatch:
            raise type_error(op, mismatch, operands, node.name, node.site, running=True) from None
        # What was taken as equal on the way is equal in these types, and must be so in each run.
        checks = tuple(dict.fromkeys((*node.checks, *checks)))
        made[node] = Node(
            node.graph, op, operands, tuple(made[c] for c in node.control), node.name, types,
            node.sites, node.device, node.forward, checks,
        )  # fmt: skip
    new = Graph(graph.title)
    new.nodes = list(made.values())
    new.by_name = {n.name: n for n in new.nodes}
    # An input that nothing reads any more is one still: a body's callers count on its place.
    new.inputs = tuple(made[t.node].outputs[t.index] if t.node in made else t for t in graph.inputs)
    new.outputs = tuple(made[t.node].outputs[t.index] for t in graph.outputs)
    new.targets = tuple(made[n] for n in graph.targets)
    new.seed = graph.seed
    return new
