"""What leaves loops: work that no turn changes, sums over the turns, values computed twice.

Before: bodies have been through the passes.   After: a turn does what depends on the turns before.
"""

from __future__ import annotations

from collections.abc import Callable

from graphc.ir.graph import Graph
from graphc.passes.bodies import trim_loops
from graphc.passes.cse import cse
from graphc.passes.loops.accumulated import sum_afterwards
from graphc.passes.loops.alongside import compute_alongside
from graphc.passes.loops.arrays import count_by_steps, read_by_slices, write_by_stacks
from graphc.passes.loops.invariant import hoist
from graphc.passes.loops.joined import join_products, join_sums
from graphc.passes.loops.kept import keep_for_gradients
from graphc.passes.loops.segments import measure_kept
from graphc.passes.options import Options
from graphc.passes.simplify import simplify

MOST_ROUNDS = 50
STEPS = (
    count_by_steps,  # what counts the turns is known without a carry
    read_by_slices,
    write_by_stacks,
    hoist,
    keep_for_gradients,  # while a loop and its gradient still compute the same in the same words
    join_sums,
    compute_alongside,
    hoist,  # parts of weights
    compute_alongside,
    sum_afterwards,
    join_products,  # of those that are left: what is read in part was a product of parts
)


def lighten_loops(graph: Graph, options: Options) -> Graph:
    if not any(node.op.name == "scan" for node in graph.nodes):
        return graph
    given = graph
    graph = trim_loops(graph)
    for step in STEPS:
        graph = _repeated(step, graph, options)
    made = graph if graph is given else _tidied(trim_loops(graph), options)
    measure_kept(made, options)
    return made


def _repeated(step: Callable[[Graph, Options], Graph], graph: Graph, options: Options) -> Graph:
    for _ in range(MOST_ROUNDS):
        before, graph = graph, step(graph, options)
        if graph is before:
            break
    return graph


def _tidied(graph: Graph, options: Options) -> Graph:
    """Equal things once; what became simple, simple."""
    return cse(simplify(graph, options), options)
