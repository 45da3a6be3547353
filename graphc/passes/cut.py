"""Cut the part of a user's graph that a run needs.

Before: a user's graph.   After: what the fetches and targets need, with a placeholder for each fed
tensor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.types import TensorType
from graphc.lowering.program import Feed


def cut(
    graph: Graph,
    feeds: Sequence[Tensor],
    fetches: Sequence[Tensor],
    targets: Sequence[Node],
    types: Mapping[Tensor, TensorType],
) -> tuple[Graph, tuple[Feed, ...]]:
    """The needed part of a graph, with a placeholder for each fed tensor, and the feeds.

    ``types`` are those of fed tensors and of Python functions' results where the graph does not
    say.
    """
    source = Graph(graph.title)
    source.nodes, source.by_name, source.seed = graph.nodes, graph.by_name, graph.seed
    change = Edit(source)
    entries: list[Tensor] = []
    for tensor in feeds:
        kind = types.get(tensor, tensor.type)
        entry = tensor
        if tensor.node.op.name != "placeholder" or kind != tensor.type:
            b = change.builder(like=tensor.node)
            entry = b.placeholder(
                dtype=kind.dtype, shape=kind.shape, name=f"{tensor.node.name}/fed"
            )
            change.replace(tensor, entry)
        entries.append(entry)
    for node in dict.fromkeys(t.node for t in types if t.node.op.binding == "shapes"):
        shapes = tuple(types.get(t, t.type).shape for t in node.outputs)
        change.builder(like=node)
        made = change.add(node.op.replace(shapes=shapes), node.operands, control=node.control)
        made.name = node.name  # it takes the place of the one that is cut away
        for old, new in zip(node.outputs, made.outputs, strict=True):
            change.replace(old, new)
    for node in graph.nodes:
        defaulting = node.op.name == "placeholder_with_default" and node.outputs[0] not in feeds
        if defaulting and node.op.shape is None:  # the rank, too, is that of the default
            change.replace(node.outputs[0], node.operands[0])
    change.set_roots(tuple(fetches), tuple(targets))
    part = change.done()
    part.inputs = tuple(entries)
    fed = tuple(
        Feed(entry.name, str(entry.dtype), entry.type.dims, k, tensor.node.site)
        for k, (entry, tensor) in enumerate(zip(entries, feeds, strict=True))
    )
    return part, fed


def unfed(part: Graph, fed: Sequence[Feed]) -> list[Node]:
    """Placeholders a cut graph needs that nobody feeds."""
    names = {feed.name for feed in fed}
    return [n for n in part.nodes if n.op.name == "placeholder" and n.outputs[0].name not in names]
