"""The gradient of a loop: a scan backwards over its turns.

A turn back computes anew what the body computed from the carries that the loop's traces hold, and
passes the cotangents of the carries on to the turn before.  Cotangents of captures are summed over
the turns.  (Reverse accumulation through a loop: Griewank and Walther, "Evaluating Derivatives",
2008.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from graphc.autodiff.reverse import Sweep
from graphc.ir.body import Body
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.graph import Tensor
from graphc.ir.rows import Rows


@dataclass
class Backward:
    """The gradient of a loop, as a scan over its turns."""

    body: Body
    traces: list[Tensor]
    xs: list[Tensor]
    captures: list[Tensor]
    carry_cts: Sequence[Tensor | None]
    stack_cts: Sequence[Tensor | None]
    trace_cts: Sequence[Tensor | None]
    finals: Sequence[Tensor]
    # Positions: carries and scanned operands with cotangents, captures whose cotangents are summed,
    # stacks and traces that have a cotangent.
    moving: list[int] = field(init=False)
    sliced: list[int] = field(init=False)
    summed: list[int] = field(init=False)
    stacks: list[int] = field(init=False)
    found: list[int] = field(init=False)

    def run(self, b: Builder, length: Dim, reverse: bool, wanted: Sequence[bool]) -> list:
        """A cotangent per operand of the loop; None where none flows."""
        n, k = len(self.traces), len(self.xs)
        if all(ct is None for ct in (*self.carry_cts, *self.stack_cts, *self.trace_cts)):
            return [None] * len(wanted)
        self.moving = [i for i, t in enumerate(self.traces) if t.dtype.is_differentiable]
        self.sliced = [
            i for i, t in enumerate(self.xs) if t.dtype.is_differentiable and wanted[n + i]
        ]
        self.summed = [
            i
            for i, t in enumerate(self.captures)
            if t.dtype.is_differentiable and wanted[n + k + i]
        ]
        self.stacks = [i for i, ct in enumerate(self.stack_cts) if ct is not None]
        self.found = [i for i in self.moving if self.trace_cts[i] is not None]
        starts = [self.carry_cts[i] for i in self.moving]
        starts = [
            b.zeros_like(self.finals[i]) if ct is None else ct
            for i, ct in zip(self.moving, starts, strict=True)
        ]
        sums = [b.zeros_like(self.captures[i]) for i in self.summed]
        rows = [*self.traces, *self.xs, *(self.stack_cts[i] for i in self.stacks)]
        rows += [self.trace_cts[i] for i in self.found]
        carried = [*starts, *sums]
        ends, stacks = b.scan_over(
            self._turn, carried, rows, length, reverse, f"{self.body.graph.title}_back",
            self.captures,
        )  # fmt: skip
        outs = [*ends, *stacks]
        given: list[Tensor | None] = [None] * len(wanted)
        for at, i in enumerate(self.moving):
            given[i] = outs[at]
        for at, i in enumerate(self.summed):
            given[n + k + i] = outs[len(self.moving) + at]
        for at, i in enumerate(self.sliced):
            given[n + i] = outs[len(carried) + at]
        return given

    def _turn(self, step: Tensor, *inputs: Tensor) -> list[Tensor]:
        """One turn back: the cotangents before it from those after it."""
        take = iter(inputs)
        carry_cts = [next(take) for _ in self.moving]
        sums = [next(take) for _ in self.summed]
        carries = [next(take) for _ in self.traces]
        slices = [next(take) for _ in self.xs]
        stack_cts = [next(take) for _ in self.stacks]
        trace_cts = {i: next(take) for i in self.found}
        captures = list(take)
        b = Builder(step.graph)
        made = self.body.inlined(b, (step, *carries, *slices, *captures))
        n = len(carries)
        ends = [made[i] for i in self.moving] + [made[n + i] for i in self.stacks]
        starts = [carries[i] for i in self.moving]
        read = [slices[i] for i in self.sliced] + [captures[i] for i in self.summed]
        ends, cts = each_once(b, ends, [*carry_cts, *stack_cts])
        found = Sweep(b, ends, [*starts, *read], (), adds_rows=True).run_rows(cts)
        before = [
            _sum(b, _dense(b, ct), trace_cts.get(i), start)
            for i, ct, start in zip(self.moving, found, starts, strict=False)
        ]
        rest = found[len(starts) :]
        of_slices = [_dense(b, ct) for ct in rest[: len(self.sliced)]]
        of_captures = rest[len(self.sliced) :]
        totals = [_added(b, s, ct) for s, ct in zip(sums, of_captures, strict=True)]
        rows = [
            b.zeros_like(slices[i]) if ct is None else ct
            for i, ct in zip(self.sliced, of_slices, strict=True)
        ]
        return [*before, *totals, *rows]


def _dense(b: Builder, ct: Tensor | Rows | None) -> Tensor | None:
    return ct.dense(b) if isinstance(ct, Rows) else ct


def _added(b: Builder, total: Tensor, ct: Tensor | Rows | None) -> Tensor:
    """A sum over the turns with one more; rows are added where they belong."""
    if isinstance(ct, Rows) and total.dtype.computed is total.dtype:
        return b.put_rows(total, ct.indices, ct.values, how="add")
    whole = _dense(b, ct)
    return total if whole is None else b.add(total, whole)


def each_once(
    b: Builder, tensors: Sequence[Tensor], cts: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """A tensor that a turn gives twice has the sum of both cotangents."""
    gathered: dict[Tensor, Tensor] = {}
    for tensor, ct in zip(tensors, cts, strict=True):
        gathered[tensor] = b.add(gathered[tensor], ct) if tensor in gathered else ct
    return list(gathered), list(gathered.values())


def _sum(b: Builder, a: Tensor | None, c: Tensor | None, like: Tensor) -> Tensor:
    parts = [ct for ct in (a, c) if ct is not None]
    if not parts:
        return b.zeros_like(like)
    return parts[0] if len(parts) == 1 else b.add(*parts)


# --- branches -------------------------------------------------------------------------------------


def fitted(b: Builder, ct: Tensor, value: Tensor) -> Tensor:
    """The cotangent of a value whose sizes only the branch knows."""
    if ct.type.shape == value.type.shape or value.type.shape is None:
        return ct
    return b.reshape(ct, shape=value.type.shape)


def branch_gradients(
    b: Builder,
    op: Any,
    pred: Tensor,
    captures: Sequence[Tensor],
    cts: Sequence[Tensor | None],
    wanted: Sequence[bool],
) -> list[Tensor | None]:
    """The cotangents of a cond's captures: a cond whose branches go back through its branches."""
    live = [k for k, ct in enumerate(cts) if ct is not None]
    read = [k for k, t in enumerate(captures) if t.dtype.is_differentiable and wanted[k]]
    if not live or not read:
        return [None] * len(captures)

    def back(body: Body) -> Any:
        def function(step: Tensor, *inputs: Tensor) -> list[Tensor]:
            inside = Builder(step.graph)
            held, given = inputs[: len(captures)], inputs[len(captures) :]
            made = body.inlined(inside, (step, *held))
            cts = [fitted(inside, ct, made[k]) for k, ct in zip(live, given, strict=True)]
            ends, starts = each_once(inside, [made[k] for k in live], cts)
            xs = [held[k] for k in read]
            found = Sweep(inside, ends, xs, ()).run(starts)
            return [
                inside.zeros_like(x) if ct is None else ct for x, ct in zip(xs, found, strict=True)
            ]

        return function

    outs = b.branch(
        pred, back(op.then), back(op.otherwise), f"{op.then.graph.title}_back",
        [*captures, *(ct for ct in cts if ct is not None)],
    )  # fmt: skip
    given: list[Tensor | None] = [None] * len(captures)
    for k, ct in zip(read, outs, strict=True):
        given[k] = ct
    return given
