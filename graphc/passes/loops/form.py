"""A scan taken apart, to be changed and put together again."""

from __future__ import annotations

from typing import Any

from graphc.ir.bindings import data_sizes
from graphc.ir.body import Body
from graphc.ir.builder import Builder
from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.types import TensorType


class LoopForm:
    """The parts of a scan ``node`` of ``outer``'s graph.

    ``carries``, ``xs`` and ``captures`` pair operands with inputs of the body; ``afters`` are the
    carries a turn leaves, ``stacks`` what it gives besides.  ``edit`` changes the body.
    """

    def __init__(self, outer: Edit, node: Node) -> None:
        op: Any = node.op
        (body,) = op.fitted_to([t.type for t in node.operands])
        self.outer, self.node, self.op = outer, node, op
        self.graph: Graph = body.graph
        self.edit = Edit(self.graph)
        pairs = list(zip(node.operands, self.graph.inputs[1:], strict=True))
        n, k = op.carried, op.carried + op.scanned
        self.step = self.graph.inputs[0]
        self.carries, self.xs, self.captures = pairs[:n], pairs[n:k], pairs[k:]
        self.afters, self.stacks = list(self.graph.outputs[:n]), list(self.graph.outputs[n:])
        self.traced = list(op.traced)

    # --- what it knows -------------------------------------------------------------------------

    def input_of(self, operand: Tensor) -> Tensor | None:
        """The body's input for a scanned operand or capture, if it is one."""
        return next((i for t, i in (*self.xs, *self.captures) if t is operand), None)

    def result(self, carry: int) -> Tensor:
        return self.node.outputs[carry]

    def stack(self, k: int) -> Tensor:
        return self.node.outputs[len(self.carries) + k]

    def trace(self, k: int) -> Tensor:
        return self.node.outputs[len(self.carries) + len(self.stacks) + k]

    # --- changing it ---------------------------------------------------------------------------

    def captured(self, operand: Tensor) -> Tensor:
        """The body's input for something outside that no turn changes."""
        return self._input(operand, operand.type, self.captures)

    def scanned(self, operand: Tensor) -> Tensor:
        """The body's input for a slice of a stack outside."""
        row = operand.type.with_shape(operand.type.dims[1:])
        return self._input(operand, row, self.xs)

    def _input(self, operand: Tensor, type: TensorType, among: list) -> Tensor:
        for known, inside in among:
            if known is operand:
                return inside
        b = self.edit.builder(like=self.graph.inputs[0].node)
        inside = b.placeholder(dtype=type.dtype, shape=type.shape, name=operand.node.name)
        among.append((operand, inside))
        return inside

    def done(self, exported: list[Tensor], dropped: tuple[int, ...] = ()) -> list[Tensor]:
        """Put the changed loop in the old one's place; the stacks of ``exported``, tensors of the
        body.  Carries in ``dropped``, whose results the caller replaces, are gone."""
        kept = [k for k in range(len(self.carries)) if k not in dropped]
        fresh = [t for t in dict.fromkeys(exported) if t not in self.stacks]
        outputs = [*(self.afters[k] for k in kept), *self.stacks, *fresh]
        pairs = [*(self.carries[k] for k in kept), *self.xs, *self.captures]
        self.edit.set_roots(tuple(outputs), self.graph.targets)
        graph = self.edit.done()
        graph.inputs = (self.step, *(inside for _, inside in pairs))
        op = self.op.replace(
            body=Body(graph), carried=len(kept), scanned=len(self.xs),
            traced=tuple(kept.index(k) for k in self.traced),
        )  # fmt: skip
        self.outer.builder(like=self.node)
        made = self.outer.add(
            op, [operand for operand, _ in pairs], self.node.name, control=self.node.control
        )
        made.name = self.node.name
        n, old, new = len(kept), len(self.stacks), len(outputs)
        for at, k in enumerate(kept):
            self.outer.replace(self.result(k), made.outputs[at])
        for k in range(old):
            self.outer.replace(self.stack(k), made.outputs[n + k])
        for at, k in enumerate(self.traced):
            self.outer.replace(self.trace(self.op.traced.index(k)), made.outputs[new + at])
        rows = [*self.stacks, *fresh]
        return [made.outputs[n + rows.index(t)] for t in exported]


def flat(b: Builder, stack: Tensor) -> Tensor:
    """The matrices of all turns as one, their rows below each other."""
    turns, rows, columns = stack.type.dims
    return b.reshape(stack, shape=(turns * rows, columns))


def scans(graph: Graph, lean: bool = False) -> list[Node]:
    """The scans of a graph that may be taken apart; with ``lean``, those that must keep no more
    than they do as well.  One whose turns decide sizes stays: these cannot be stacked, nor be
    known outside."""
    found = (n for n in graph.nodes if n.op.name == "scan" and not n.op.effect)
    return [n for n in found if (lean or not n.op.lean) and not _decides_sizes(n.op.body)]


def _decides_sizes(body: Body) -> bool:
    return any(n.op.binding and data_sizes(getattr(n.op, n.op.binding)) for n in body.graph.nodes)
