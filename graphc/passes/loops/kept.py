"""What a loop computes and its gradient computes again is kept: stacked by the one, scanned by the
other.

The gradient of a scan runs over its traces and computes anew what a turn computed.  Nodes that are
equal in both bodies, over inputs that are equal, are found by numbering values.  Of those that the
rest of the gradient reads, the dear ones are kept; cheap ones are computed from what is kept.  What
is compared for equality, as with a maximum it may be, is kept as well: computed anew it may be
rounded in another way.
"""

from __future__ import annotations

from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.op import Kind
from graphc.passes.loops.form import LoopForm, scans
from graphc.passes.options import Options

EQUALITIES = ("equal", "not_equal")


def keep_for_gradients(graph: Graph, options: Options) -> Graph:
    loops = scans(graph)
    for first in loops:
        outputs = set(first.outputs)
        for second in loops:
            if second is first or not outputs.intersection(second.operands):
                continue
            if second.op.length != first.op.length:
                continue
            change = Edit(graph)
            one, two = LoopForm(change, first), LoopForm(change, second)
            kept = _kept(one, two)
            if kept:
                _keep(one, two, kept, options)
                return change.done()
    return graph


def _equal_inputs(one: LoopForm, two: LoopForm) -> dict[Tensor, Tensor]:
    """The inputs of the second body that hold values of the first's turn."""
    held: dict[Tensor, Tensor] = {}
    for k, carry in enumerate(one.traced):
        held[one.trace(k)] = one.carries[carry][1]
    for k, inside in enumerate(one.stacks):
        held.setdefault(one.stack(k), inside)
    scanned = dict(one.xs)
    captured = dict(one.captures)
    found = {two.step: one.step}
    for operand, inside in two.xs:
        value = held.get(operand, scanned.get(operand))
        if value is not None:
            found[inside] = value
    for operand, inside in two.captures:
        if operand in captured:
            found[inside] = captured[operand]
    return found


def _kept(one: LoopForm, two: LoopForm) -> list[tuple[Tensor, Tensor]]:
    """Values worth keeping: in the second body, and in the first."""
    there: dict[tuple, Node] = {}
    for node in one.graph.nodes:
        there.setdefault((node.op, node.operands), node)
    same = _equal_inputs(one, two)
    inputs = set(same)
    for node in two.graph.nodes:
        if node.op.random or node.op.effect or not node.outputs or node.outputs[0] in same:
            continue
        if node.op.name == "placeholder" or not all(t in same for t in node.operands):
            continue
        twin = there.get((node.op, tuple(same[t] for t in node.operands)))
        if twin is not None:
            same.update(zip(node.outputs, twin.outputs, strict=True))
    read = {*two.afters, *two.stacks}
    for node in two.graph.nodes:
        if node.outputs and node.outputs[0] not in same:
            read.update(node.operands)
    compared = {t for n in two.graph.nodes if n.op.name in EQUALITIES for t in n.operands}
    kept: list[Tensor] = []
    cheap = set(inputs)
    for node in two.graph.nodes:
        for tensor in node.outputs:
            if tensor not in same or tensor in inputs:
                continue
            is_cheap = cheap.issuperset(node.operands) and not _is_dear(node)
            if node.op.name == "const" or (is_cheap and tensor not in compared):
                cheap.add(tensor)
            elif tensor in read:
                kept.append(tensor)
                cheap.add(tensor)
    return [(t, same[t]) for t in kept]


def _is_dear(node: Node) -> bool:
    if node.op.name == "concat":
        return False  # its parts are what is kept, and a product of it is one of each part
    kinds = (Kind.CONTRACTION, Kind.REDUCTION, Kind.HOST)
    return node.op.transcendental or node.op.kind in kinds or node.op.kernel is not None


def _keep(
    one: LoopForm, two: LoopForm, kept: list[tuple[Tensor, Tensor]], options: Options
) -> None:
    stacks = one.done([twin for _, twin in kept])
    for (tensor, _), stack in zip(kept, stacks, strict=True):
        two.edit.replace(tensor, two.scanned(stack))
    two.done([])
    options.log.note(
        "loops", two.node, f"reads {len(kept)} values that {one.node.name} keeps of each turn"
    )
