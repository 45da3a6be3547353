"""compile_graph: a user's graph, what is fed and what is wanted, to a Program.

The path: cut the part that is needed at the fed tensors, specialise it to what is known about
sizes, run the passes (:mod:`graphc.pipeline`), then fuse, schedule and lower
(:mod:`graphc.lowering`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from graphc.budget import Choice, within_limit
from graphc.errors import ShapeError
from graphc.ir.collector import collector_paused
from graphc.ir.dims import Dim
from graphc.ir.graph import Graph, Node, Tensor, whence
from graphc.ir.types import TensorType
from graphc.lowering.assemble import assemble
from graphc.lowering.choice import contraction_by
from graphc.lowering.fuse import Fusion, fuse
from graphc.lowering.program import Check, Feed, Program
from graphc.lowering.schedule import Schedule, schedule
from graphc.passes.cut import cut
from graphc.passes.options import Options
from graphc.passes.specialise import specialise
from graphc.pipeline import Record, run_pipeline


@dataclass
class Compilation:
    """A Program with what a report needs: the graph before fusion, the groups, the schedule, and
    how a limit of memory was met."""

    program: Program
    graph: Graph
    fusion: Fusion
    order: Schedule
    options: Options = field(default_factory=Options)
    choice: Choice | None = None


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
    part, fed = cut(graph, feeds, fetches, targets, types or {})
    return compile_part(part, fed, options or Options.from_environment(), sizes or {})


@collector_paused()
def compile_part(
    part: Graph,
    fed: tuple[Feed, ...],
    options: Options,
    sizes: Mapping[str, Dim],
    listener: Callable[[Record], None] | None = None,
) -> Compilation:
    """Compile what :func:`~graphc.passes.cut.cut` made; ``listener`` hears of every pass.

    Under a ``memory_limit`` the graph may be compiled several times; the listener hears of the
    last.
    """
    if not options.memory_limit:
        return _compile(part, fed, options, sizes, listener)
    heard: list[Record] = []

    def attempt(asked: Options) -> Compilation:
        heard.clear()
        return _compile(part, fed, asked, sizes, heard.append)

    compilation, choice = within_limit(options, attempt)
    compilation.choice = choice
    if listener is not None:
        for record in heard:
            listener(record)
    return compilation


def _compile(
    part: Graph,
    fed: tuple[Feed, ...],
    options: Options,
    sizes: Mapping[str, Dim],
    listener: Callable[[Record], None] | None,
) -> Compilation:
    given, part = part, specialise(part, dict(sizes))
    checks = tuple(  # those of the types before and after: sizes that stretch bring others
        Check(c.left, c.right, c.what, node.name, node.site)
        for node in (*given.nodes, *part.nodes)
        for c in node.checks
    )
    require_ranks(part)
    part = run_pipeline(part, options, listener)
    fusion = fuse(part, options.level > 0 and "fuse" not in options.skip)
    order = schedule(part, fusion)
    with contraction_by(options.contraction):
        program = assemble(part, fed, fusion, order, tuple(dict.fromkeys(checks)))
    return Compilation(program, part, fusion, order, options)


def require_ranks(part: Graph) -> None:
    """Kernels are written for a rank, so every tensor must have one by now."""
    for node in part.nodes:
        for tensor in node.outputs:
            if tensor.type.shape is None:
                raise ShapeError(
                    f"the rank of {tensor.name} is not known when the graph is compiled",
                    rows=[(tensor.name, str(tensor.type), whence(tensor))],
                    hint="say its shape where it is made: y.set_shape([None, 3])",
                    subject=f"{node.op.name} '{node.name}'",
                    site=node.site,
                )
