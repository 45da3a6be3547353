"""Loops: ``scan`` over the first axis of its operands, and ``while_loop`` until a test says no.

Both carry values from turn to turn.  A body takes ``(step, *carries, *slices, *captures)``: the
number of the turn, the carried values, for a scan one slice of each scanned operand, and what it
reads from outside.  It gives the new carries, and for a scan values that are stacked over the
turns.  Besides those results a loop gives its *traces*: the carries as each turn found them,
stacked, for whoever must go back through the turns; what nobody reads is not kept.

The gradient of either is a scan, backwards over the traces, that computes what a turn needs anew
and carries the cotangents of the carries and of the captures (reverse accumulation through a loop:
Griewank and Walther, "Evaluating Derivatives", 2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.autodiff.growing import GrowingBackward
from graphc.autodiff.loops import Backward
from graphc.ir import dims
from graphc.ir.bindings import data_sizes
from graphc.ir.body import STEP, Body, Function, Late, bodies, latest, trace, write_back, written
from graphc.ir.builder import Builder, composite
from graphc.ir.dims import Dim, Shape
from graphc.ir.dtype import as_dtype, bfloat16, bool_, float32
from graphc.ir.graph import Graph, Tensor
from graphc.ir.op import REQUIRED, Kind, NotDifferentiable, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, same_dim
from graphc.ops.control.interpret import run_body, stacked, turn_told

VECTOR = TensorType(float32, (3,))


def _sample(function: Function, *names: str) -> Body:
    return Body.of(function, [(name, VECTOR) for name in names])


def _sample_cell() -> Body:
    """A turn that reads its carry, its slice and a capture, and stacks a value."""
    return _sample(lambda _, h, x, w: [x + h * w, x * h], "h", "x", "w")


def _sample_test() -> Body:
    def function(_: Tensor, h: Tensor, w: Tensor) -> list[Tensor]:
        b = Builder(h.graph)
        bound = b.exp(b.reduce_sum(b.square(w)))
        return [b.less(b.reduce_sum(b.square(h)), bound)]

    return _sample(function, "h", "w")


def _sample_turn() -> Body:
    return _sample(lambda _, h, w: [h + h * w], "h", "w")


class Loop(Op, abstract=True):
    """An op whose body is run turn by turn."""

    operands = ("*values",)
    kind = Kind.HOST

    @property
    def effect(self) -> bool:  # type: ignore[override]
        return self.body.has_effect

    @property
    def may_fail(self) -> bool:  # type: ignore[override]
        return self.body.may_fail

    def host(self, *values: np.ndarray) -> tuple:
        return self.reference(*values)

    def _types(self, values: Sequence[np.ndarray]) -> list[TensorType]:
        """Of the operands' values (those of bfloat16 do not tell)."""
        said = (t.dtype for t in self.body.input_types[1:])
        return [
            TensorType(dtype if dtype is bfloat16 else as_dtype(v.dtype), v.shape)
            for v, dtype in zip(values, said, strict=True)
        ]

    def fitted_to(self, types: Sequence[TensorType]) -> list[Body]:
        """The bodies for operands of these types."""
        raise NotImplementedError

    def with_bodies(self, made: Sequence[Body]) -> Op:
        """The op with other bodies, in the order of ``fitted_to``."""
        raise NotImplementedError


def _carried_on(
    before: Sequence[TensorType], after: Sequence[TensorType], changing: Sequence[Dim] = ()
) -> None:
    """Every carry must leave a turn as it entered it, but for sizes that are ``changing``."""
    for k, (was, now) in enumerate(zip(before, after, strict=False)):
        if was.dtype is not now.dtype:
            raise DTypeMismatch(
                f"values[{k}] changes its dtype in a turn",
                hint=f"cast it in the body: tf.cast(..., tf.{was.dtype})", before=was, after=now,
            )  # fmt: skip
        if not _same_shape(was, now, changing):
            raise Mismatch(
                f"values[{k}] changes its shape in a turn",
                hint="shape_invariants says which sizes may change", before=was, after=now,
            )  # fmt: skip


def _same_shape(a: TensorType, b: TensorType, changing: Sequence[Dim]) -> bool:
    if a.shape is None or b.shape is None:
        return True
    return len(a.shape) == len(b.shape) and all(
        m in changing or same_dim(m, n, "a carry's shape") is not None
        for m, n in zip(a.shape, b.shape, strict=True)
    )


class Scan(Loop):
    """``carries, stacks, traces = scan(carries, xs, captures)``: a turn for each of ``length``
    slices of the xs, from the last one on if ``reverse``.

    ``cuts`` asks for its turns to be run again for its gradient, in segments of so many turns, and
    these in segments of the next length (None: the compiler decides); a ``lean`` scan is one over
    segments, of whose turns nothing more is to be kept (:mod:`graphc.passes.loops.segments`).
    """

    attributes = {
        "body": REQUIRED, "carried": REQUIRED, "scanned": REQUIRED, "length": REQUIRED,
        "reverse": False, "traced": (), "cuts": None, "lean": False,
    }  # fmt: skip

    def split(self, values: Sequence[Any]) -> tuple[Sequence, Sequence, Sequence]:
        """Carries, scanned operands, captures."""
        n, k = self.carried, self.carried + self.scanned
        return values[:n], values[n:k], values[k:]

    def fitted_to(self, types: Sequence[TensorType]) -> list[Body]:
        carries, xs, captures = self.split(types)
        slices = [t if t.shape is None else t.with_shape(t.shape[1:]) for t in xs]
        return [self.body.retyped((STEP, *carries, *slices, *captures))]

    def with_bodies(self, made: Sequence[Body]) -> Op:
        return self.replace(body=made[0])

    def infer_type(self, *types: TensorType) -> tuple[TensorType, ...]:
        carries, xs, _ = self.split(types)
        for k, x in enumerate(xs):
            if x.shape is not None and (
                not x.shape or same_dim(x.shape[0], self.length, "the first axis") is None
            ):
                raise Mismatch(
                    f"operand {k} is scanned along its first axis, of {self.length} slices", x=x
                )
        (body,) = self.fitted_to(types)
        made = body.output_types
        after, stacks = made[: self.carried], made[self.carried :]
        _carried_on(carries, after)
        rows = [*stacks, *(carries[k] for k in self.traced)]
        return (*carries, *(_stack_type(self.length, t) for t in rows))

    def reference(self, *values: np.ndarray) -> tuple:
        carries, xs, captures = self.split(values)
        length = len(xs[0]) if xs else int(self.length)
        rows: list[list[np.ndarray]] = []
        order = range(length - 1, -1, -1) if self.reverse else range(length)
        for t in order:
            with turn_told(t):
                made = run_body(self.body, (np.int32(t), *carries, *(x[t] for x in xs), *captures))
            rows.append([*made[self.carried :], *(carries[k] for k in self.traced)])
            carries = made[: self.carried]
        if self.reverse:
            rows.reverse()
        (body,) = self.fitted_to(self._types(values))
        made = body.output_types
        types = [*made[self.carried :], *(made[k] for k in self.traced)]
        return (*carries, *(stacked([r[k] for r in rows], t) for k, t in enumerate(types)))

    takes_wanted = True

    def vjp(self, b: Any, ct: Any, y: Any, *values: Tensor, wanted: Sequence[bool]) -> list:
        _, xs, captures = self.split(values)
        if len(self.traced) < self.carried:
            return [NotDifferentiable("its carries are not traced")] * len(values)
        n, ys = self.carried, len(self.body.output_types) - self.carried
        traces = dict(zip(self.traced, y[n + ys :], strict=True))
        back = Backward(
            self.body, [traces[k] for k in range(n)], list(xs), list(captures), ct[:n],
            ct[n : n + ys], [ct[n + ys + self.traced.index(k)] for k in range(n)], y[:n],
        )  # fmt: skip
        return back.run(b, self.length, not self.reverse, wanted)

    samples = [
        Sample("float32[3]", "float32[4, 3]", "float32[3]", body=_sample_cell(), carried=1,
               scanned=1, length=4, traced=(0,)),
        Sample("float32[3]", "float32[4, 3]", "float32[3]", body=_sample_cell(), carried=1,
               scanned=1, length=4, reverse=True, traced=(0,)),
        Sample("float32[3]", "float32[0, 3]", "float32[3]", body=_sample_cell(), carried=1,
               scanned=1, length=0, traced=(0,)),
        Refuses("float32[3]", "float32[5, 3]", "float32[3]",
                "operand 0 is scanned along its first axis, of 4 slices", body=_sample_cell(),
                carried=1, scanned=1, length=4),
    ]  # fmt: skip


class WhileLoop(Loop):
    """``carries, stacks, traces = while_loop(carries, captures)``: turns while ``test`` of the
    carries is true, ``limit`` of them at most (None: no limit).

    ``invariants`` has the shape of each carry whose sizes change from turn to turn (None for the
    others).  ``sizes`` are what only running the loop tells: the number of turns, and the changing
    sizes of the carries.
    """

    attributes = {
        "test": REQUIRED, "body": REQUIRED, "carried": REQUIRED, "sizes": REQUIRED, "limit": None,
        "traced": (), "invariants": (), "cuts": None,
    }  # fmt: skip
    binding = "sizes"

    def held(self, types: Sequence[TensorType]) -> tuple[TensorType, ...]:
        """The carries' types in every turn, for operands of these types."""
        shapes = [*self.invariants, *(None for _ in range(self.carried))]
        pairs = zip(types[: self.carried], shapes, strict=False)
        return tuple(t if shape is None else t.with_shape(shape) for t, shape in pairs)

    def fitted_to(self, types: Sequence[TensorType]) -> list[Body]:
        inputs = (STEP, *self.held(types), *types[self.carried :])
        return [self.test.retyped(inputs), self.body.retyped(inputs)]

    def with_bodies(self, made: Sequence[Body]) -> Op:
        return self.replace(test=made[0], body=made[1])

    def infer_type(self, *types: TensorType) -> tuple[TensorType, ...]:
        test, body = self.fitted_to(types)
        carries = self.held(types)
        (said,) = test.output_types
        if said.dtype is not bool_ or said.shape not in (None, ()):
            raise Mismatch("the test of a loop gives one bool", test=said)
        made = body.output_types
        _carried_on(carries, made[: self.carried], self.sizes[1:])
        rows = [*made[self.carried :], *(carries[k] for k in self.traced)]
        return (*carries, *(_stack_type(self.sizes[0], t) for t in rows))

    def reference(self, *values: np.ndarray) -> tuple:
        n = self.carried
        carries, captures = list(values[:n]), values[n:]
        rows: list[list[np.ndarray]] = []
        turn = 0
        while self.limit is None or turn < self.limit:
            step = np.int32(turn & 0x7FFFFFFF)
            with turn_told(turn):
                (goes_on,) = run_body(self.test, (step, *carries, *captures))
            if not goes_on:
                break
            with turn_told(turn):
                made = run_body(self.body, (step, *carries, *captures))
            rows.append([*made[n:], *(carries[k] for k in self.traced)])
            carries = made[:n]
            turn += 1
        _, body = self.fitted_to(self._types(values))
        types = [*body.output_types[n:], *(body.output_types[k] for k in self.traced)]
        return (*carries, *(stacked([r[k] for r in rows], t) for k, t in enumerate(types)))

    takes_wanted = True

    def vjp(self, b: Any, ct: Any, y: Any, *values: Tensor, wanted: Sequence[bool]) -> list:
        n, ys = self.carried, len(self.body.output_types) - self.carried
        if len(self.traced) < n:
            if any(t is not None for t in ct[n:]):
                reason = "the sizes of its loop variables change from turn to turn"
                return [NotDifferentiable(reason)] * len(values)
            return GrowingBackward(self, values, wanted).run(b, ct[:n], y[:n])
        traces = dict(zip(self.traced, y[n + ys :], strict=True))
        back = Backward(
            self.body, [traces[k] for k in range(n)], [], list(values[n:]), ct[:n],
            ct[n : n + ys], [ct[n + ys + self.traced.index(k)] for k in range(n)], y[:n],
        )  # fmt: skip
        return back.run(b, self.sizes[0], True, wanted)

    samples = [
        Sample("float32[3]", "float32[3]", test=_sample_test(), body=_sample_turn(), carried=1,
               sizes=(dims.symbol("turns", data=True),), limit=5, traced=(0,)),
        Sample("float32[3]", "float32[3]", test=_sample_test(), body=_sample_turn(), carried=1,
               sizes=(), gradient=False),
        Sample("float32[3]", "float32[3]", test=_sample_test(), body=_sample_turn(), carried=1,
               sizes=(), limit=0, gradient=False),
    ]  # fmt: skip


def _stack_type(length: Dim, row: TensorType) -> TensorType:
    return row.with_shape(None if row.shape is None else (length, *row.shape))


# --- building -------------------------------------------------------------------------------------


def _asked(graph: Graph) -> tuple[int, ...] | None:
    """The segments that somebody asked of the loops of a graph; those in bodies have none."""
    return graph.cuts if graph.root is graph else None


@composite
def scan_over(
    b: Any, function: Function, carries: Sequence[Tensor], xs: Sequence[Tensor], length: Dim,
    reverse: bool = False, name: str = "scan", captures: Sequence[Tensor] = (),
) -> tuple[list[Tensor], list[Tensor]]:  # fmt: skip
    """Run ``function(step, *carries, *slices, *captures)`` on the slices of the ``xs``: the carries
    at the end, and what it gave besides them, stacked."""
    slices = [t.type if t.type.shape is None else t.type.with_shape(t.type.shape[1:]) for t in xs]
    types = [(t.node.name, t.type) for t in carries]
    types += [(t.node.name, type) for t, type in zip(xs, slices, strict=True)]
    types += [(t.node.name, t.type) for t in captures]
    traced, outputs = trace(_graph_of(b), name, types, function)
    variables, n = written(traced), len(carries)
    outputs = (*outputs[:n], *traced.left(variables), *outputs[n:])
    traced.carry(variables, n)
    (body,), found = bodies((traced, outputs))
    m = n + len(variables)
    op = Scan(
        body=body, carried=m, scanned=len(xs), length=length, reverse=reverse,
        traced=tuple(range(m)), cuts=_asked(_graph_of(b)),
    )  # fmt: skip
    held = latest(b, variables, variables)
    made = b.home.add(op, [*carries, *held, *xs, *captures, *found], name=name).outputs
    results = write_back(b, variables, made[n:m], [*made[:n], *made[m : len(outputs)]])
    return results[:n], results[n:]


@composite
def loop_while(
    b: Any, test: Function, function: Function, carries: Sequence[Tensor],
    invariants: Sequence[Shape | None] | None = None, limit: Dim | None = None,
    name: str = "while", late: Sequence[Late] = (),
) -> list[Tensor | None]:  # fmt: skip
    """Run ``function(step, *carries)`` while ``test(step, *carries)`` is true: the carries at the
    end, and what it gave besides them, stacked.  ``invariants`` are the shapes of carries whose
    sizes, data-dependent ones, change from turn to turn.

    Carries that are ``late`` stand behind the others in what ``function`` gives and in the result:
    None where no turn told their types.
    """
    outer = _graph_of(b)
    shapes = list(invariants or [None] * len(carries))
    named = [
        (t.node.name, t.type if shape is None else t.type.with_shape(shape))
        for t, shape in zip(carries, shapes, strict=True)
    ]
    first = trace(outer, f"{name}_test", named, test)
    second = trace(outer, name, named, lambda *given: _told(function(*given), len(given), late))
    told = [one for one in late if one.type is not None]
    for graph, _ in (first, second):
        own = graph.inputs[1 : 1 + len(carries)]
        graph.arrange([*own, *(one.inside(graph) for one in told)])
    carries = [*carries, *(one.start(one.type) for one in told if one.type is not None)]
    shapes += [one.type.shape if one.type and one.changing else None for one in told]
    variables, n = written(first[0], second[0]), len(carries)
    for graph, _ in (first, second):
        for variable in variables:
            graph.inside(variable)
    stacks = second[1][n:]
    outputs = (*second[1][:n], *second[0].left(variables), *stacks)
    for graph, _ in (first, second):
        graph.carry(variables, n)
    (asked, body), captures = bodies(first, (second[0], outputs))
    m = n + len(variables)
    changing = [b.home.new_dim("turns", data=True)]
    changing += [dims.symbol(name, data=True) for name in data_sizes(tuple(shapes))]
    op = WhileLoop(
        test=asked, body=body, carried=m, sizes=tuple(changing), limit=limit,
        traced=() if any(shapes) else tuple(range(m)),
        invariants=(*shapes, *(None for _ in variables)) if any(shapes) else (),
        cuts=_asked(outer),
    )  # fmt: skip
    operands = [*carries, *latest(b, variables, variables), *captures]
    made = b.home.add(op, operands, name=name).outputs
    rows = made[m : m + len(stacks)]
    results = write_back(b, variables, made[n:m], [*made[:n], *rows])
    known = iter(results[n - len(told) : n])
    ends = [next(known) if one.type is not None else None for one in late]
    return [*results[: n - len(told)], *ends, *results[n:]]


def _told(outputs: Sequence[Any], given: int, late: Sequence[Late]) -> list[Tensor]:
    """What a turn gives, without the late carries whose types it did not tell."""
    known = given - 1
    pairs = zip(late, outputs[known : known + len(late)], strict=True)
    kept = [value for one, value in pairs if one.type is not None]
    return [*outputs[:known], *kept, *outputs[known + len(late) :]]


def _graph_of(b: Builder) -> Graph:
    return b.home if isinstance(b.home, Graph) else b.home.graph
