"""Repetitions written out are loops again: a cell that Python applied turn by turn is a scan.

Before: effects in sequence, shapes as numbers; nothing folded yet, so that the first turn still
looks like the others.   After: what was repeated with carries from one copy to the next is a loop,
and so is its gradient.
Leaves alone: effects, random numbers, what Python computes; copies with variables of their own;
repetitions that are not worth a loop.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.ir.graph import Graph, Tensor
from graphc.ir.op import Kind
from graphc.passes.options import Options
from graphc.passes.reroll.alignment import Alignment, Irregular
from graphc.passes.reroll.facts import FEWEST, Facts
from graphc.passes.reroll.loop import Rolled
from graphc.passes.reroll.stacks import find_stack
from graphc.passes.reroll.sums import with_long_sums

MOST_LOOPS = 64
MANY = 512  # nodes without a product that are worth a loop, to be compiled once


def reroll(graph: Graph, options: Options) -> Graph:
    if next(Facts(graph).chains(), None) is None:
        return graph
    summed = rolled = with_long_sums(graph)
    for _ in range(MOST_LOOPS):
        before, rolled = rolled, _rolled_once(rolled, options)
        if rolled is before:
            break
    return graph if rolled is summed else rolled


def _rolled_once(graph: Graph, options: Options) -> Graph:
    """The graph with one more repetition as a loop; the same when there is none."""
    facts = Facts(graph)

    def is_stack(tensors: Sequence[Tensor | None]) -> bool:
        given = [t for t in tensors if t is not None]
        return find_stack(given, facts.same) is not None

    for chain in facts.chains():
        chain, turn = facts.turns(chain)
        if len(chain) < FEWEST:
            continue
        try:
            found = Alignment(facts, chain, turn, is_stack)
        except Irregular:
            continue
        if found.carries and _is_worth(found):
            options.log.note(
                "reroll", chain[0], f"{found.length} copies of {len(found.members)} nodes: a loop"
            )
            return Rolled(graph, found).done()
    return graph


def _is_worth(found: Alignment) -> bool:
    """Element-wise turns are better off as one kernel, unless they are many."""
    if any(member.pattern.op.kind is Kind.CONTRACTION for member in found.members):
        return True
    return found.length * len(found.members) >= MANY
