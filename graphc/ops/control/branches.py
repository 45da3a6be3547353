"""``cond``: one of two bodies, chosen when it runs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from graphc.autodiff.loops import branch_gradients
from graphc.ir import dims
from graphc.ir.body import (
    STEP,
    Body,
    Function,
    bodies,
    latest,
    made_up,
    trace,
    write_back,
    written,
)  # fmt: skip
from graphc.ir.builder import composite
from graphc.ir.dims import Dim, Shape
from graphc.ir.dtype import bool_, float32
from graphc.ir.graph import Graph, Tensor
from graphc.ir.op import REQUIRED, Kind, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, same_dim
from graphc.ops.control.interpret import run_body


def _sample(which: int) -> Body:
    """``x * x``, or ``x + x``."""

    def function(_: Tensor, x: Tensor) -> list[Tensor]:
        return [x * x if which == 1 else x + x]

    return Body.of(function, [("x", TensorType(float32, (3,)))])


class Cond(Op):
    """What the body ``then`` gives where ``pred`` is true, else what ``otherwise`` gives.

    Both take ``(step, *captures)``, where the step is 0.  ``shapes`` has the shape of each value
    whose sizes differ from branch to branch (None for the others); ``sizes`` are those sizes, which
    only the run tells.
    """

    operands = ("pred", "*captures")
    attributes = {"then": REQUIRED, "otherwise": REQUIRED, "shapes": (), "sizes": ()}
    kind = Kind.HOST
    binding = "sizes"

    @property
    def effect(self) -> bool:  # type: ignore[override]
        return self.then.has_effect or self.otherwise.has_effect

    @property
    def may_fail(self) -> bool:  # type: ignore[override]
        return self.then.may_fail or self.otherwise.may_fail

    def fitted_to(self, types: Sequence[TensorType]) -> list[Body]:
        """The bodies for operands of these types."""
        inputs = (STEP, *types[1:])
        return [self.then.retyped(inputs), self.otherwise.retyped(inputs)]

    def with_bodies(self, made: Sequence[Body]) -> Op:
        """The op with other bodies, in the order of ``fitted_to``."""
        return self.replace(then=made[0], otherwise=made[1])

    def substitute(self, sizes: dict[str, Dim]) -> Op:
        """With sizes filled in; a branch that cannot have these sizes stays as it is."""
        changed: dict[str, Any] = {
            "shapes": tuple(s and tuple(dims.substitute(d, sizes) for d in s) for s in self.shapes),
            "sizes": tuple(dims.substitute(d, sizes) for d in self.sizes),
        }
        for key, body in (("then", self.then), ("otherwise", self.otherwise)):
            with suppress(Mismatch):
                changed[key] = body.substitute(sizes)
        return self.replace(**changed)

    def _given(self, types: Sequence[TensorType]) -> list[tuple[TensorType, ...]]:
        """What the bodies give for operands of these types.  One that refuses them is not the one
        that runs, and gives what the other does."""
        inputs = (STEP, *types[1:])
        found: list[tuple[TensorType, ...]] = []
        refusal: Mismatch | None = None
        for body in (self.then, self.otherwise):
            try:
                found.append(body.retyped(inputs).output_types)
            except Mismatch as mismatch:
                refusal = mismatch
        if not found and refusal is not None:
            raise refusal
        return [found[0], found[-1]]

    def infer_type(self, pred: TensorType, *captures: TensorType) -> tuple[TensorType, ...]:
        if pred.dtype is not bool_ or pred.shape not in (None, ()):
            raise Mismatch("pred is one bool", pred=pred)
        one, two = self._given((pred, *captures))
        if len(one) != len(two):
            raise Mismatch(f"one branch gives {len(one)} values, the other {len(two)}")
        shapes = self.shapes or [None] * len(one)
        return tuple(map(_common, range(len(one)), one, two, shapes))

    def reference(self, pred: np.ndarray, *captures: np.ndarray) -> tuple:
        body = self.then if pred else self.otherwise
        return tuple(run_body(body, (np.int32(0), *captures)))

    def host(self, pred: np.ndarray, *captures: np.ndarray) -> tuple:
        return self.reference(pred, *captures)

    takes_wanted = True

    def vjp(self, b: Any, ct: Any, y: Any, *operands: Tensor, wanted: Sequence[bool]) -> list:
        pred, *captures = operands
        return [None, *branch_gradients(b, self, pred, captures, ct, wanted[1:])]

    samples = [
        Sample("bool[]", "float32[3]", then=_sample(1), otherwise=_sample(2)),
        Sample("bool[]", "float32[3]", then=_sample(1), otherwise=_sample(2),
               values={0: np.array(False)}),
        Refuses("float32[]", "float32[3]", "pred is one bool", then=_sample(1),
                otherwise=_sample(2)),
    ]  # fmt: skip


def _common(k: int, a: TensorType, b: TensorType, shape: Shape | None) -> TensorType:
    """What is known of a value that either branch may give."""
    if a.dtype is not b.dtype:
        raise DTypeMismatch(f"the branches' values {k} differ in dtype", then=a, otherwise=b)
    if a.shape is None or b.shape is None:
        return a.with_shape(a.shape if b.shape is None else b.shape)
    if len(a.shape) != len(b.shape):
        raise Mismatch(f"the branches' values {k} differ in rank", then=a, otherwise=b)
    if shape is not None:
        return a.with_shape(shape)
    sizes = [
        same_dim(m, n, "a value of two branches") for m, n in zip(a.shape, b.shape, strict=True)
    ]
    if None in sizes:
        raise Mismatch(f"the branches' values {k} differ in shape", then=a, otherwise=b)
    return a.with_shape(tuple(d for d in sizes if d is not None))


def _told_by_the_run(
    graph: Graph, one: Sequence[TensorType], two: Sequence[TensorType]
) -> tuple[tuple[Shape | None, ...], tuple[Dim, ...]]:
    """The shapes of values whose sizes differ from branch to branch, with new sizes; the sizes."""
    found: list[Dim] = []

    def size(m: Dim, n: Dim) -> Dim:
        if isinstance(m, int) and isinstance(n, int) and m != n:
            found.append(graph.new_dim("size", data=True))
            return found[-1]
        return n if isinstance(m, dims.Expr) and isinstance(n, int) else m

    shapes: list[Shape | None] = []
    for a, b in zip(one, two, strict=False):
        before = len(found)
        pairs = zip(a.shape or (), b.shape or (), strict=False)
        shape = tuple(size(m, n) for m, n in pairs)
        shapes.append(shape if len(found) > before else None)
    return (tuple(shapes), tuple(found)) if found else ((), ())


@composite
def branch(
    b: Any, pred: Tensor, then: Function, otherwise: Function, name: str = "cond",
    captures: Sequence[Tensor] = (),
) -> list[Tensor]:  # fmt: skip
    """What ``then(step, *captures)`` or ``otherwise(step, *captures)`` gives."""
    outer = b.home if isinstance(b.home, Graph) else b.home.graph
    types = [(t.node.name, t.type) for t in captures]
    traced = [
        trace(outer, f"{name}_{side}", types, function, repeats=False)
        for side, function in (("then", then), ("otherwise", otherwise))
    ]
    traced = [made_up(one) for one in traced]
    variables = written(*(graph for graph, _ in traced))
    for graph, _ in traced:
        for variable in variables:
            graph.inside(variable)
    (one, two), found = bodies(
        *((graph, (*outputs, *graph.left(variables))) for graph, outputs in traced)
    )
    operands = [pred, *captures, *latest(b, found, variables)]
    shapes, sizes = _told_by_the_run(b.home, one.output_types, two.output_types)
    op = Cond(then=one, otherwise=two, shapes=shapes, sizes=sizes)
    made = b.home.add(op, operands, name=name).outputs
    n = len(made) - len(variables)
    return write_back(b, variables, made[n:], made[:n])
