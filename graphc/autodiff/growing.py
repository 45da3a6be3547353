"""The gradient of a loop whose carries change their sizes from turn to turn.

Carries of different sizes do not stack, so no trace holds what the turns found.  The way back
counts the turns down and runs the loop anew up to the turn it goes back through: what it takes
grows with the square of the turns, what it keeps does not grow at all (recomputation from the
start: Griewank and Walther, "Evaluating Derivatives", 2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.autodiff.loops import each_once, fitted
from graphc.autodiff.reverse import Sweep
from graphc.ir import dims
from graphc.ir.bindings import data_sizes
from graphc.ir.body import STEP, Body
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim, Shape
from graphc.ir.dtype import int32
from graphc.ir.graph import Tensor


class GrowingBackward:
    """The gradient of a while loop ``op``, of these operands, as a while loop that counts down."""

    def __init__(self, op: Any, operands: Sequence[Tensor], wanted: Sequence[bool]) -> None:
        n = op.carried
        self.op, self.starts, self.captures = op, operands[:n], operands[n:]
        self.moving = [k for k, t in enumerate(self.starts) if t.dtype.is_differentiable]
        self.summed = [
            k
            for k, t in enumerate(self.captures)
            if t.dtype.is_differentiable and wanted[n + k]
        ]  # fmt: skip

    def run(self, b: Builder, cts: Sequence[Tensor | None], finals: Sequence[Tensor]) -> list:
        """A cotangent per operand of the loop, for those of its last carries."""
        n = len(self.starts)
        given: list[Tensor | None] = [None] * (n + len(self.captures))
        if all(cts[k] is None for k in self.moving):
            return given
        (turns, *_) = self._forward(b, None)
        carried = [cts[k] if cts[k] is not None else b.zeros_like(finals[k]) for k in self.moving]
        carried += [b.zeros_like(self.captures[k]) for k in self.summed]
        shapes = self._shapes(b)
        ends = b.loop_while(
            lambda step, *_: [Builder(step.graph).less(step, turns)],
            lambda step, *held: self._turn(step, turns, held),
            carried,
            [shapes[k] for k in self.moving] + [None for _ in self.summed],
            name=f"{self.op.body.graph.title}_back",
        )
        for k, ct in zip([*self.moving, *(n + k for k in self.summed)], ends, strict=True):
            given[k] = ct
        return given

    def _shapes(self, b: Builder) -> list[Shape | None]:
        """The invariants, with sizes of their own."""
        names = data_sizes(self.op.invariants)
        new: dict[str, Dim] = {name: b.home.new_dim("size", data=True) for name in names}
        own = [
            None if shape is None else tuple(dims.substitute(d, new) for d in shape)
            for shape in self.op.invariants
        ]
        return [*own, *(None for _ in self.starts[len(own) :])]

    def _forward(self, b: Builder, until: Tensor | None) -> list[Tensor]:
        """The number of turns before turn ``until`` (or all), and the carries these leave."""
        op, one = self.op, b.tensor(1, dtype=int32)

        def test(step: Tensor, count: Tensor, *carries: Tensor) -> list[Tensor]:
            inside = Builder(step.graph)
            if until is not None:
                return [inside.less(count, until)]
            return list(_inlined(inside, op.test, (step, *carries, *self.captures)))

        def turn(step: Tensor, count: Tensor, *carries: Tensor) -> list[Tensor]:
            inside = Builder(step.graph)
            made = _inlined(inside, op.body, (step, *carries, *self.captures))
            return [inside.add(count, one), *made[: op.carried]]

        zero = b.tensor(0, dtype=int32)
        limit = op.limit if until is None else None
        starts = [_there(b, t) for t in self.starts]
        return b.loop_while(
            test, turn, [zero, *starts], [None, *self._shapes(b)], limit,
            name=f"{op.body.graph.title}_again",
        )  # fmt: skip

    def _turn(self, step: Tensor, turns: Tensor, held: Sequence[Tensor]) -> list[Tensor]:
        """One turn back: the cotangents before it from those after it."""
        b = Builder(step.graph)
        at = b.sub(b.sub(_there(b, turns), step), b.tensor(1, dtype=int32))
        _, *carries = self._forward(b, at)
        captures = [_there(b, t) for t in self.captures]
        made = _inlined(b, self.op.body, (at, *carries, *captures))
        m = len(self.moving)
        ends = [made[k] for k in self.moving]
        cts = [fitted(b, ct, end) for ct, end in zip(held[:m], ends, strict=True)]
        ends, cts = each_once(b, ends, cts)
        xs = [carries[k] for k in self.moving] + [captures[k] for k in self.summed]
        found = Sweep(b, ends, xs, carries).run(cts)
        before = [
            b.zeros_like(x) if ct is None else ct for x, ct in zip(xs[:m], found, strict=False)
        ]
        totals = [
            s if ct is None else b.add(s, ct) for s, ct in zip(held[m:], found[m:], strict=True)
        ]
        return [*before, *totals]


def _there(b: Builder, tensor: Tensor) -> Tensor:
    """An outer tensor as it is seen where ``b`` builds."""
    return b.home.inside(tensor) if hasattr(b.home, "inside") else tensor


def _inlined(b: Builder, body: Body, values: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """What the body gives, for values of other sizes than it was traced for."""
    own = [_there(b, t) for t in values]
    return body.retyped([STEP, *(t.type for t in own[1:])]).inlined(b, own)
