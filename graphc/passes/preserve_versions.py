"""Keep a copy of a variable's version that somebody reads after it was overwritten.

Before: effects in sequence; every read is of one fixed version.   After: no node that depends on a
write reads, itself or through views, the version that the write ends: it reads a ``snapshot`` of
it.  Nor does a write of some rows read that version beside the variable it writes.  Other readers
of a version stand before the write that ends it.
"""

from __future__ import annotations

from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.op import Kind
from graphc.passes.options import Options

Uses = dict[Tensor, list[tuple[Node, int]]]


def preserve_versions(graph: Graph, options: Options) -> Graph:
    writes = [(n, n.op.writes) for n in graph.nodes if n.op.writes is not None]
    if not writes:
        return graph
    change = Edit(graph)
    uses = graph.uses()
    after = _control_successors(graph)
    readers = {write: _readers(write, write.operands[port], uses) for write, port in writes}
    for write, found in readers.items():
        for reader in found:
            for node in _through_views(reader, uses):
                after.setdefault(node, []).append(write)
    for write, port in writes:
        version = write.operands[port]
        if write.op.kind is Kind.OPAQUE:
            _keep_apart(change, write, version)
        depending = _descendants(write, uses, after)
        kept: Tensor | None = None
        for reader in readers[write]:
            if not any(n in depending for n in _through_views(reader, uses)):
                for node in _through_views(reader, uses):
                    change.order(node, write)
                continue
            for node in _through_views(reader, uses):
                after[node].remove(write)
            if kept is None:
                kept = change.builder(like=version.node).snapshot(version)
                change.order(kept.node, write)
            change.rewire(reader, *_rewired(change, reader, version, kept))
            options.log.note(
                "preserve-versions", reader, f"reads {version.name} as it was before {write.name}"
            )
    return change.done()


def _readers(write: Node, version: Tensor, uses: Uses) -> list[Node]:
    found = (n for n, port in uses[version] if n is not write and port != n.op.writes)
    return list(dict.fromkeys(found))


def _rewired(
    change: Edit, reader: Node, version: Tensor, kept: Tensor
) -> tuple[list[Tensor], tuple[Node, ...]]:
    """The reader's operands with the copy in place of the version, and its control edges."""
    operands, control = change.wiring(reader)
    written = reader.op.writes
    return [kept if t is version and k != written else t for k, t in enumerate(operands)], control


def _keep_apart(change: Edit, write: Node, version: Tensor) -> None:
    """Give a write of some rows copies of what it reads from the memory it writes."""
    operands, control = change.wiring(write)
    shared = {
        k for k, t in enumerate(operands) if k != write.op.writes and _memory(t) is _memory(version)
    }
    if shared:
        b = change.builder(like=write)
        apart = [b.snapshot(t) if k in shared else t for k, t in enumerate(operands)]
        change.rewire(write, apart, control)


def _memory(tensor: Tensor) -> Tensor:
    while tensor.node.op.kind is Kind.VIEW:
        tensor = tensor.node.operands[0]
    return tensor


def _through_views(reader: Node, uses: Uses) -> list[Node]:
    """The reader, and who reads its memory if it is a view."""
    found, wanted = [], [reader]
    while wanted:
        node = wanted.pop()
        found.append(node)
        if node.op.kind is Kind.VIEW:
            wanted.extend(n for t in node.outputs for n, _ in uses.get(t, ()))
    return found


def _control_successors(graph: Graph) -> dict[Node, list[Node]]:
    after: dict[Node, list[Node]] = {}
    for node in graph.nodes:
        for before in node.control:
            after.setdefault(before, []).append(node)
    return after


def _descendants(write: Node, uses: Uses, after: dict[Node, list[Node]]) -> set[Node]:
    found: set[Node] = set()
    wanted = [write]
    while wanted:
        node = wanted.pop()
        for reader in (
            *(n for t in node.outputs for n, _ in uses.get(t, ())),
            *after.get(node, ()),
        ):
            if reader not in found:
                found.add(reader)
                wanted.append(reader)
    return found
