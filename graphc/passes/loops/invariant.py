"""Work that no turn changes is done once, before the loop.

What reads captures and constants alone leaves, unless its result is larger than what it reads: a
broadcast costs nothing where it is read.
"""

from __future__ import annotations

from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.op import Kind
from graphc.passes.loops.form import LoopForm, scans
from graphc.passes.options import Options


def hoist(graph: Graph, options: Options) -> Graph:
    change = Edit(graph)
    for node in scans(graph, lean=True):
        _hoist_from(LoopForm(change, node), options)
    return change.done()


def _hoist_from(form: LoopForm, options: Options) -> None:
    outside: dict[Tensor, Tensor] = {inside: operand for operand, inside in form.captures}
    constants: dict[Tensor, Node] = {}
    moved: dict[Tensor, Node] = {}  # in the body: the node that leaves
    for node in form.graph.nodes:
        if node.op.name == "const":
            constants[node.outputs[0]] = node
        elif may_leave(node) and all(t in outside or t in constants for t in node.operands):
            b = form.outer.builder(like=node)
            operands = [
                outside[t] if t in outside else b.const(value=constants[t].op.value)
                for t in node.operands
            ]
            made = form.outer.add(node.op, operands)
            for old, new in zip(node.outputs, made.outputs, strict=True):
                outside[old] = new
                moved[old] = node
    left = {t for n in form.graph.nodes if n.outputs and n.outputs[0] not in moved
            for t in n.operands} | {*form.afters, *form.stacks}  # fmt: skip
    wanted = [t for t in moved if t in left]
    for tensor in wanted:
        form.edit.replace(tensor, form.captured(outside[tensor]))
        options.log.note(
            "loops", tensor.node, f"left the loop {form.node.name}: no turn changes it"
        )
    if wanted:
        form.done([])


def may_leave(node: Node) -> bool:
    """Whether a node of a body may be computed elsewhere, and costs something."""
    op = node.op
    if op.effect or op.random or op.may_fail or op.source or not node.outputs or not node.operands:
        return False
    if op.kind in (Kind.HOST, Kind.EFFECT, Kind.SOURCE) or op.binding is not None:
        return False
    made, read = (
        max((int(t.type.elements) for t in tensors if t.type.is_static), default=0)
        for tensors in (node.outputs, node.operands)
    )
    return made <= read
