"""compile_graph: a user's graph, what is fed and what is wanted, to a Program.

The path: cut the part that is needed at the fed tensors, specialise it to what is known about sizes,
run the passes (:mod:`graphc.pipeline`), then fuse, schedule and lower (:mod:`graphc.lowering`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graphc.ir.dims import Dim
from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.op import Kind
from graphc.ir.types import TensorType
from graphc.lowering.assemble import assemble
from graphc.lowering.fuse import Fusion, fuse
from graphc.lowering.program import Check, Feed, Program
from graphc.lowering.schedule import Schedule, schedule
from graphc.passes.options import Options
from graphc.passes.specialise import specialise
from graphc.pipeline import run_pipeline


@dataclass
class Compilation:
    """A Program with what a report needs: the graph before fusion, the groups, the schedule."""

    program: Program
    graph: Graph
    fusion: Fusion
    order: Schedule
    options: Options = field(default_factory=Options)


def compile_graph(
    graph: Graph,
    feeds: Sequence[Tensor],
    fetches: Sequence[Tensor],
    targets: Sequence[Node] = (),
    options: Options | None = None,
    types: Mapping[Tensor, TensorType] | None = None,
    sizes: Mapping[str, Dim] | None = None,
) -> Program:
    """The Program that computes ``fetches`` and runs ``targets`` from ``feeds``.

    ``types`` gives fed tensors of unknown rank the type they are fed with; ``sizes`` fixes symbolic
    sizes (a size that turned out to be 1 where another broadcasts against it).
    """
    return compile_in_full(graph, feeds, fetches, targets, options, types, sizes).program


def compile_in_full(
    graph: Graph,
    feeds: Sequence[Tensor],
    fetches: Sequence[Tensor],
    targets: Sequence[Node] = (),
    options: Options | None = None,
    types: Mapping[Tensor, TensorType] | None = None,
    sizes: Mapping[str, Dim] | None = None,
) -> Compilation:
    options = options or Options.from_environment()
    part, fed = cut(graph, feeds, fetches, targets, types or {})
    checks = tuple(
        Check(c.left, c.right, c.what, node.name, node.site) for node in part.nodes for c in node.checks
    )
    part = specialise(part, dict(sizes or {}))
    part = run_pipeline(part, options)
    fusion = fuse(part, options.level > 0 and "fuse" not in options.skip)
    order = schedule(part, fusion)
    program = assemble(part, fed, fusion, order, tuple(dict.fromkeys(checks)))
    return Compilation(program, part, fusion, order, options)


def cut(
    graph: Graph,
    feeds: Sequence[Tensor],
    fetches: Sequence[Tensor],
    targets: Sequence[Node],
    types: Mapping[Tensor, TensorType],
) -> tuple[Graph, tuple[Feed, ...]]:
    """The needed part of a graph, with a placeholder for each fed tensor, and the feeds."""
    source = Graph(graph.title)
    source.nodes, source.by_name, source.seed = graph.nodes, graph.by_name, graph.seed
    change = Edit(source)
    entries: list[Tensor] = []
    for tensor in feeds:
        kind = types.get(tensor, tensor.type)
        entry = tensor
        if tensor.node.op.name != "placeholder" or kind != tensor.type:
            b = change.builder(like=tensor.node)
            entry = b.placeholder(dtype=kind.dtype, shape=kind.shape, name=f"{tensor.node.name}/fed")
            change.replace(tensor, entry)
        entries.append(entry)
    change.set_roots(tuple(fetches), tuple(targets))
    part = change.done()
    part.inputs = tuple(entries)
    fed = tuple(
        Feed(entry.name, str(entry.dtype), entry.type.shape, k, tensor.node.site)
        for k, (entry, tensor) in enumerate(zip(entries, feeds, strict=True))
    )
    return part, fed


def unfed(part: Graph, fed: Sequence[Feed]) -> list[Node]:
    """Placeholders a graph needs that nobody feeds."""
    names = {feed.name for feed in fed}
    return [
        n for n in part.nodes if n.op.kind is Kind.SOURCE and n.op.name == "placeholder"
        and n.outputs[0].name not in names
    ]  # fmt: skip
