"""Branches and loops as steps: what their bodies compute, with jumps around it.

A body becomes steps of the same Program, over buffers of its own.  Carries live in one buffer each,
which the next turn reads; a slice of a scanned operand, or of a stack, is a buffer that stands in
another and moves on with the turns (:attr:`~graphc.lowering.program.Place.SLICE`).

Of the sizes that turns decide, the number of turns of a loop that no other holds is counted while
it runs, and what it stacks grows.  Loops that decide others (variables that grow, loops inside that
stack an unknown number of rows), and bodies with strings or with writes other than assignments,
stay with Python (:func:`runs_natively`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.ir.bindings import Bindings, data_sizes
from graphc.ir.body import Body
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.op import Nested
from graphc.lowering.host import NO_KERNEL
from graphc.lowering.program import Again, Copy, Goto, Label, Origin, Place, Turns, Unless


def is_control(node: Node) -> bool:
    """Whether a node has bodies."""
    return any(isinstance(value, Nested) for _, value in node.op.values())


def runs_natively(node: Node) -> bool:
    """Whether the bodies of a node can be steps of the Program."""
    if getattr(node.op, "invariants", ()) or getattr(node.op, "shapes", ()):
        return False  # sizes of carries, or of what branches give, that only running them tells
    return all(_is_native(body.graph) for body in _bodies(node))


def _bodies(node: Node) -> list[Body]:
    return [value for _, value in node.op.values() if isinstance(value, Body)]


def _is_native(graph: Graph) -> bool:
    if Bindings(graph.nodes).binder:
        return False
    for node in graph.nodes:
        tensors = (*node.operands, *node.outputs)
        if any(t.type.shape is None or t.dtype.kind in NO_KERNEL for t in tensors):
            return False
        if is_control(node) and not runs_natively(node):
            return False
        if node.op.name in ("variable", "random_state") or node.op.writes is not None:
            return False
    return True


def lower_control(assembly: Any, node: Node, at: int) -> None:
    """Append the steps of a node that has bodies, whose unit is number ``at``."""
    assembly.finish_tail()
    lower = {"cond": _lower_cond, "scan": _lower_scan, "while_loop": _lower_while}[node.op.name]
    lower(_Lowering(assembly, node, at))
    assembly.finish_tail()


class _Lowering:
    """The steps of one node with bodies."""

    def __init__(self, assembly: Any, node: Node, at: int) -> None:
        self.assembly, self.node, self.at = assembly, node, at
        self.origin = Origin((node.name,), node.sites)

    def operand(self, k: int) -> int:
        """The buffer of an operand."""
        return self.assembly.buffer_of[self.assembly.root(self.node.operands[k])]

    def result(self, k: int) -> int:
        """The buffer of an output."""
        tensor = self.node.outputs[k]
        held = self.assembly.buffer_of
        if tensor not in held:
            held[tensor] = self.temporary(tensor)
        return held[tensor]

    def is_read(self, tensor: Tensor) -> bool:
        """Whether anybody reads an output of the node."""
        return self.assembly.root(tensor) in self.assembly.last_use

    def temporary(self, tensor: Tensor) -> int:
        return self.assembly.new_buffer(
            Place.ARENA, str(tensor.dtype), tensor.type.dims, tensor.name
        )

    def slice_of(self, base: int, tensor: Tensor, loop: int) -> int:
        """A buffer that is the slice of ``base`` that a turn works on."""
        return self.assembly.new_buffer(
            Place.SLICE, str(tensor.dtype), tensor.type.dims, tensor.name, (base, loop)
        )

    def step_buffer(self) -> int:
        return self.assembly.new_buffer(Place.STEP, "int32", (), f"{self.node.name}/step")

    def append(self, step: Any) -> None:
        self.assembly.finish_tail()
        self.assembly.steps.append(step)

    def copy(self, source: int, target: int) -> None:
        if source != target:
            self.append(Copy(source, target, self.origin))

    def run(
        self, body: Body, inputs: Sequence[int], into: dict[int, int], owned: Sequence[int] = (),
        given_up: Sequence[int] = (),
    ) -> list[int]:  # fmt: skip
        """Append a body's steps; the buffers of its outputs.

        ``into`` asks for outputs in buffers of the caller's, which are granted where the body
        computes them; ``owned`` are the buffers of the first inputs, carries that the body may
        overwrite once they are read: with what comes next, where it is computed later.  So are
        buffers ``given_up``, of any inputs.
        """
        graph = body.graph
        inner = self.assembly.nested(graph)
        for tensor, buffer in zip(graph.inputs, inputs, strict=True):
            inner.buffer_of[tensor] = buffer
        inner.pinned |= {*inputs} - {*owned, *given_up}
        inner.owned = {*owned, *given_up}
        taken: set[Tensor] = set()
        for k, buffer in into.items():
            root = inner.root(graph.outputs[k])
            if root.node in inner.order.unit_of and root not in taken:
                inner.buffer_of[root] = buffer
                inner.pinned.add(buffer)
                taken.add(root)
        places = {unit: at for at, unit in enumerate(inner.order.units)}
        for k, buffer in enumerate(owned):
            root, before = inner.root(graph.outputs[k]), graph.inputs[1 + k]
            unit = inner.order.unit_of.get(root.node)
            if unit is None or root in inner.buffer_of or root.node.op.over:
                continue
            if inner.last_use.get(before, -1) < places[unit]:
                inner.buffer_of[root] = buffer
                inner.pinned.add(buffer)
        inner.lower_units()
        return [inner.buffer_of[inner.root(t)] for t in graph.outputs]

    def move(
        self, sources: Sequence[int], targets: Sequence[int], outputs: Sequence[Tensor]
    ) -> None:
        """Copy all at once: a source that is another's target is put aside first."""
        pairs = []
        for source, target, tensor in zip(sources, targets, outputs, strict=True):
            if source in targets and source != target:
                aside = self.temporary(tensor)
                self.copy(source, aside)
                source = aside
            pairs.append((source, target))
        for source, target in pairs:
            self.copy(source, target)


def _lower_cond(lowering: _Lowering) -> None:
    node, op = lowering.node, lowering.node.op
    captures = [lowering.operand(k) for k in range(1, len(node.operands))]
    changed = _changed_in_place(lowering)
    results = [lowering.result(k) for k in range(len(node.outputs))]
    into = {k: buffer for k, buffer in enumerate(results) if k not in changed}
    step, (otherwise, end) = lowering.step_buffer(), lowering.assembly.labels(2)
    lowering.append(Unless(lowering.operand(0), otherwise, lowering.origin))
    for body in (op.then, op.otherwise):
        made = lowering.run(body, [step, *captures], into, given_up=list(changed.values()))
        lowering.move(made, results, body.graph.outputs)
        if body is op.then:
            lowering.append(Goto(end, lowering.origin))
            lowering.append(Label(otherwise, lowering.origin))
    lowering.append(Label(end, lowering.origin))


def _changed_in_place(lowering: _Lowering) -> dict[int, int]:
    """The results of a cond that take over the memory of an operand which both branches leave as
    it is, or change in places; and that memory."""
    node, op, assembly = lowering.node, lowering.node.op, lowering.assembly
    found: dict[int, int] = {}
    buffers = [lowering.operand(k) for k in range(len(node.operands))]
    for k, output in enumerate(node.outputs):
        place = _changed_input(op.then.graph, k)
        if place is None or place != _changed_input(op.otherwise.graph, k):
            continue
        operand, buffer = assembly.root(node.operands[place]), buffers[place]
        if (
            output not in assembly.buffer_of
            and buffers.count(buffer) == 1
            and operand.type == output.type
            and assembly.is_dying(operand, lowering.at)
        ):
            found[k] = assembly.buffer_of[output] = buffer
            assembly.tenants.setdefault(buffer, []).append(output)
    return found


def _changed_input(graph: Graph, k: int) -> int | None:
    """The input that an output is, or is made of by changes in places."""
    tensor = graph.outputs[k]
    while tensor not in graph.inputs:
        op = tensor.node.op
        if op.over:
            tensor = tensor.node.operands[op.over[tensor.index]]
        elif op.name == "identity":
            tensor = tensor.node.operands[0]
        else:
            return None
    return graph.inputs.index(tensor) or None


def _lower_scan(lowering: _Lowering) -> None:
    node, op = lowering.node, lowering.node.op
    graph, n, k = op.body.graph, op.carried, op.scanned
    step, (loop,) = lowering.step_buffer(), lowering.assembly.labels(1)
    carries = [lowering.result(i) for i in range(n)]
    for i, carry in enumerate(carries):
        lowering.copy(lowering.operand(i), carry)
    slices = [
        lowering.slice_of(lowering.operand(n + i), graph.inputs[1 + n + i], loop) for i in range(k)
    ]
    captures = [lowering.operand(i) for i in range(n + k, len(node.operands))]
    stacked = len(graph.outputs) - n
    rows = [*graph.outputs[n:], *(graph.inputs[1 + i] for i in op.traced)]
    stacks = [
        lowering.slice_of(lowering.result(n + i), tensor, loop) for i, tensor in enumerate(rows)
    ]
    lowering.append(Turns(loop, op.length, op.reverse, step, lowering.origin))
    for i, trace in zip(op.traced, stacks[stacked:], strict=True):
        lowering.copy(carries[i], trace)
    inputs = [step, *carries, *slices, *captures]
    into = {n + i: stacks[i] for i in range(stacked)}
    made = lowering.run(op.body, inputs, into, carries)
    for i in range(stacked):
        lowering.copy(made[n + i], stacks[i])
    lowering.move(made[:n], carries, graph.outputs[:n])
    lowering.append(Again(loop, lowering.origin))


def _lower_while(lowering: _Lowering) -> None:
    node, op = lowering.node, lowering.node.op
    graph, n = op.body.graph, op.carried
    step, (loop, end) = lowering.step_buffer(), lowering.assembly.labels(2)
    carries = [lowering.result(i) for i in range(n)]
    for i, carry in enumerate(carries):
        lowering.copy(lowering.operand(i), carry)
    captures = [lowering.operand(i) for i in range(n, len(node.operands))]
    stacked = len(graph.outputs) - n
    rows = [*graph.outputs[n:], *(graph.inputs[1 + i] for i in op.traced)]
    stacks = [
        lowering.slice_of(lowering.result(n + i), tensor, loop) for i, tensor in enumerate(rows)
    ]
    inputs = [step, *carries, *captures]
    counted = data_sizes(op.sizes)
    lowering.append(Turns(loop, op.limit, False, step, lowering.origin, *counted))
    lowering.assembly.bound.update(counted)
    (goes_on,) = lowering.run(op.test, inputs, {})
    lowering.append(Unless(goes_on, end, lowering.origin))
    traces = zip(op.traced, stacks[stacked:], node.outputs[n + stacked :], strict=True)
    for i, trace, tensor in traces:
        if lowering.is_read(tensor):
            lowering.copy(carries[i], trace)
    into = {n + i: stacks[i] for i in range(stacked)}
    made = lowering.run(op.body, inputs, into, carries)
    for i in range(stacked):
        lowering.copy(made[n + i], stacks[i])
    lowering.move(made[:n], carries, graph.outputs[:n])
    lowering.append(Again(loop, lowering.origin))
    lowering.append(Label(end, lowering.origin))
