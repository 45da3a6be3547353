"""``tf.while_loop``: turns until a condition fails, in the graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontends.tf.graph.building import name_scope
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import convert, size_of
from frontends.tf.loops.tensor_array import Entry, TensorArray
from frontends.tf.platform import nest
from graphc.errors import DTypeError, GraphcError, GraphError, ShapeError
from graphc.ir.builder import Builder
from graphc.ir.dims import Shape
from graphc.ir.dtype import bool_
from graphc.ir.graph import Graph, Tensor, default_graph, whence
from graphc.ir.source import here


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
    maximum_iterations: Any = None,
    return_same_structure: bool = False,
) -> Any:
    """Repeat ``body`` while ``cond`` is true; both are called once, now, with ``loop_vars``.

    ``loop_vars`` is a list or tuple of tensors, variables or nests of them; ``body`` returns new
    values in the same structure, of the same dtypes and shapes.  ``shape_invariants``, nested like
    them, leaves open (None) the sizes that change from turn to turn.  ``maximum_iterations`` stops
    the loop at the latest.  The result is the last values (the value, where there is one, unless
    ``return_same_structure``).  ``back_prop=False`` stops gradients; ``parallel_iterations`` and
    ``swap_memory`` are accepted.

    >>> i, total = tf.while_loop(lambda i, t: i < 10, lambda i, t: (i + 1, t + i), [0, 0])
    """
    if not callable(cond):
        raise TypeError("cond must be callable")
    if not callable(body):
        raise TypeError("body must be callable")
    if parallel_iterations < 1:
        raise TypeError("parallel_iterations must be a positive integer")
    if not nest.is_nested(loop_vars) or not nest.flatten(loop_vars):
        raise ValueError("No loop variables provided")
    with name_scope(name, "while"):
        loop = _Loop(cond, body, loop_vars, shape_invariants)
        b = Builder(default_graph())
        limit = None if maximum_iterations is None else size_of(b, maximum_iterations)
        outs = b.loop_while(
            loop.test, loop.turn, loop.starts, loop.shapes(b.home), limit=limit, name="while",
            late=loop.late,
        )  # fmt: skip
        if not back_prop:
            outs = [None if t is None else b.stop_gradient(t) for t in outs]
        result = nest.pack_sequence_as(loop_vars, loop.ended(outs))
    single = len(loop_vars) == 1 and not isinstance(loop_vars, dict)
    return result[0] if single and not return_same_structure else result


class _Loop:
    """The user's functions on flat lists of tensors; arrays among the loop variables are carried
    by the tensors they hold, which stand last."""

    def __init__(self, cond: Callable, body: Callable, loop_vars: Any, invariants: Any) -> None:
        self.cond, self.body, self.structure = cond, body, loop_vars
        self.leaves = nest.flatten(loop_vars)
        self.entries = {
            k: Entry(leaf) for k, leaf in enumerate(self.leaves) if isinstance(leaf, TensorArray)
        }
        self.places = [k for k in range(len(self.leaves)) if k not in self.entries]
        self.starts = [convert(self.leaves[k]) for k in self.places]
        self.late = [t for e in self.entries.values() for t in (e.rows, e.marks)]
        self.stacks: list[Entry] = []
        self.invariants = None
        if invariants is not None:
            flat = _flat_shapes(loop_vars, invariants)
            self.invariants = [TensorShape(flat[k]) for k in self.places]

    def shapes(self, graph: Graph) -> list[Shape | None] | None:
        """The shapes of the variables whose sizes change, None for the others."""
        if self.invariants is None:
            return None
        return [_invariant(graph, t, s) for t, s in zip(self.starts, self.invariants, strict=True)]

    def test(self, step: Tensor, *values: Tensor) -> list[Tensor]:
        return [_one_bool(convert(self._called(self.cond, self._given(step, values))))]

    def turn(self, step: Tensor, *values: Tensor) -> list[Any]:
        given = self._given(step, values)
        returned = self._called(self.body, given)
        if len(self.structure) == 1 and not nest.is_nested(returned):
            returned = [returned]
        try:
            nest.assert_same_structure(self.structure, returned, check_types=False)
        except (TypeError, ValueError) as error:
            raise GraphError(
                "the body of a loop returns another structure than loop_vars",
                rows=[("loop_vars", repr(self.structure), ""), ("returned", repr(returned), "")],
                hint="return a new value for each loop variable, nested as they are", site=here(),
            ) from error  # fmt: skip
        news = nest.flatten(returned)
        known = [_next(k, given[k], news[k]) for k in self.places]
        ends = dict(zip(values, known, strict=True))
        starts = dict(zip(values, self.starts, strict=True))
        late: list[Tensor | None] = []
        stacks: list[Tensor] = []
        for k, entry in self.entries.items():
            left = _array(k, news[k])
            row = entry.stack(left, starts, ends)
            if row is not None:
                stacks.append(row)
                self.stacks.append(entry)
            late += _held(entry, left, given[k], row is not None)
        return [*known, *late, *stacks]

    def ended(self, outs: list[Any]) -> list[Any]:
        """The loop variables at the end."""
        n, m = len(self.places), len(self.late)
        leaves: list[Any] = [None] * len(self.leaves)
        for k, out in zip(self.places, outs, strict=False):
            leaves[k] = out
        stacked = dict(zip(self.stacks, outs[n + m :], strict=True))
        for at, (k, entry) in enumerate(self.entries.items()):
            rows, marks = outs[n + 2 * at : n + 2 * at + 2]
            if entry.stacked is not None:
                leaves[k] = entry.stacked(stacked[entry])
            else:
                leaves[k] = entry.after(rows, marks)
        return leaves

    def _given(self, step: Tensor, values: tuple[Tensor, ...]) -> list[Any]:
        leaves: list[Any] = [None] * len(self.leaves)
        for k, value in zip(self.places, values, strict=True):
            leaves[k] = value
        for k, entry in self.entries.items():
            leaves[k] = entry.inside(step.graph)  # type: ignore[arg-type]
        return leaves

    def _called(self, function: Callable, leaves: list[Any]) -> Any:
        packed = nest.pack_sequence_as(self.structure, leaves)
        return function(**packed) if isinstance(packed, dict) else function(*packed)


def _one_bool(said: Tensor) -> Tensor:
    """What the condition of a loop gives."""
    if said.dtype is bool_ and said.type.rank in (None, 0):
        return said
    kind: type[GraphcError] = DTypeError
    hint = "compare it with something: i < n"
    if said.dtype is bool_:
        kind, hint = ShapeError, "make one of them: tf.reduce_all, tf.reduce_any"
    raise kind(
        "the cond of a loop gives one bool, whether it goes on",
        rows=[("given", str(said.type), whence(said))], site=said.node.site, hint=hint,
    )  # fmt: skip


def _array(k: int, new: Any) -> TensorArray:
    if not isinstance(new, TensorArray):
        raise DTypeError(
            f"loop variable {k} is a TensorArray; the body of the loop returns {new!r} for it",
            site=here(), hint="return what its write gave",
        )  # fmt: skip
    return new


def _held(
    entry: Entry, left: TensorArray, given: TensorArray, stacked: bool
) -> tuple[Tensor | None, Tensor | None]:
    """What carries an array on; nothing where no turn touches it, or its rows are stacked."""
    untouched = left._held is given._held and not entry.touched
    if stacked or untouched or left.shared.shape is None:
        return None, None
    rows, marks = left.get()
    given.get()
    return rows, marks


def _next(k: int, old: Tensor, new: Any) -> Tensor:
    """The value of a loop variable after a turn, which must be as it was before."""
    if new is None:
        raise GraphError(
            f"the body of a loop returns None for loop variable {k}, {old.node.name!r}", site=here()
        )
    value = convert(new, like=old)
    rows = [("before", str(old.type), ""), ("after", str(value.type), "")]
    subject = f"loop variable {k} ({old.node.name})"
    if value.dtype is not old.dtype:
        raise DTypeError(
            "it changes its dtype in a turn of the loop", rows=rows, subject=subject,
            site=value.node.site, hint=f"cast it in the body: tf.cast(..., tf.{old.dtype})",
        )  # fmt: skip
    if value.type.shape is None and old.type.shape is not None:
        value.set_shape(old.type.shape)  # type: ignore[attr-defined]
    before, after = TensorShape(old.type.shape), TensorShape(value.type.shape)
    if not before.is_compatible_with(after):
        raise ShapeError(
            "it changes its shape in a turn of the loop", rows=rows, subject=subject,
            site=value.node.site,
            hint="shape_invariants=[..., tf.TensorShape([None, 3])] leaves a size open",
        )  # fmt: skip
    return value


def _flat_shapes(structure: Any, invariants: Any) -> list[Any]:
    """One shape per leaf; a shape may be a list of sizes itself."""
    if isinstance(invariants, TensorShape):
        return [invariants]
    if nest.is_nested(structure):
        parts = list(structure.values() if isinstance(structure, dict) else structure)
        shapes = list(invariants.values() if isinstance(invariants, dict) else invariants)
        if len(parts) != len(shapes):
            raise ValueError("shape_invariants must be nested like loop_vars")
        pairs = zip(parts, shapes, strict=True)
        return [leaf for part, shape in pairs for leaf in _flat_shapes(part, shape)]
    return [invariants]


def _invariant(graph: Graph, start: Tensor, shape: TensorShape) -> Shape | None:
    if not TensorShape(start.type.shape).is_compatible_with(shape):
        raise ShapeError(
            "a loop variable does not start with the shape its invariant says",
            rows=[("start", str(start.type), ""), ("invariant", str(shape), "")], site=here(),
        )  # fmt: skip
    sizes, first = shape.symbolic(), start.type.shape
    if sizes is None:
        raise ShapeError(
            "a loop variable whose rank changes from turn to turn is not supported",
            rows=[("start", str(start.type), "")], site=here(),
            hint="leave sizes open instead: tf.TensorShape([None, None])",
        )  # fmt: skip
    if first is not None and all(d is not None for d in sizes):
        return None
    return tuple(graph.new_dim("size", data=True) if d is None else d for d in sizes)
