"""``tf.cond`` and ``tf.case``: which of several functions a run computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from frontends.tf.graph.building import control_dependencies, name_scope
from frontends.tf.graph.tensor import convert
from frontends.tf.loops.tensor_array import TensorArray
from frontends.tf.names.missing import resolve
from frontends.tf.platform import nest
from graphc.errors import DTypeError, GraphcError, GraphError, ShapeError
from graphc.ir.body import Deferred
from graphc.ir.builder import Builder
from graphc.ir.dtype import int32
from graphc.ir.graph import Node, Tensor, default_graph, whence
from graphc.ir.source import here

Thunk = Callable[[], Any]


def cond(
    pred: Any,
    true_fn: Thunk | None = None,
    false_fn: Thunk | None = None,
    strict: bool = False,
    name: str | None = None,
    fn1: Thunk | None = None,
    fn2: Thunk | None = None,
) -> Any:
    """What ``true_fn()`` gives where ``pred`` is true, else what ``false_fn()`` gives.

    Both functions are called once, now, and return the same structure of tensors of equal dtypes;
    a run computes one of the two.  A list of one value comes back as the value, unless ``strict``;
    an operation comes back as a bool tensor, the predicate's value once the operation has run.
    What the functions read from outside is computed in either case.  Variables they assign change
    only where that branch runs.

    >>> y = tf.cond(x < 0, lambda: -x, lambda: x)
    """
    then, otherwise = (true_fn or fn1), (false_fn or fn2)
    for which, function in (("true_fn", then), ("false_fn", otherwise)):
        if not callable(function):
            raise TypeError(f"{which} must be callable, got {function!r}")
    assert then is not None
    assert otherwise is not None
    if isinstance(pred, bool):
        raise TypeError("pred must not be a Python bool")
    graph = default_graph()
    with name_scope(name, "cond"):
        chosen = convert(pred)
        first = _Branch("true_fn", then, True)
        second = _Branch("false_fn", otherwise, False, first)
        outs = Builder(graph).branch(chosen, first.run, second.run, name="cond")
        result = _as_given(first.structure, outs)
    if not strict and isinstance(result, list | tuple) and len(result) == 1:
        return result[0]
    return result


class _Branch:
    """One function of a cond: what it returned, in what structure."""

    def __init__(
        self, which: str, function: Thunk, pred: bool, other: _Branch | None = None
    ) -> None:
        self.which, self.function, self.pred, self.other = which, function, pred, other
        self.structure: Any = None
        self.values: list[Any] = []

    def run(self, step: Tensor) -> list[Any]:
        self.structure = self.function()
        if self.structure is None:
            raise ValueError(f"{self.which!r} must have a return value")
        if self.other is not None:
            _same_structure(self.other.structure, self.structure)
        self.values = [
            Deferred(leaf.held) if isinstance(leaf, TensorArray) else self._value(step, leaf)
            for leaf in nest.flatten(self.structure)
        ]
        if self.other is not None:
            _same_types(self.other.values, self.values)
        return self.values

    def _value(self, step: Tensor, leaf: Any) -> Tensor:
        """A tensor; an operation counts for the predicate's value, once it has run."""
        b = Builder(step.graph)
        if leaf is None:
            return b.tensor(self.pred)
        if isinstance(leaf, Node):
            return b.identity(b.tensor(self.pred), control=[leaf])
        tensor = convert(leaf)
        return b.identity(tensor) if tensor.graph is not step.graph else tensor


def _same_structure(one: Any, two: Any) -> None:
    try:
        nest.assert_same_structure(one, two, check_types=False)
    except (TypeError, ValueError) as error:
        raise GraphError(
            "the branches of a cond give different structures",
            rows=[("true_fn", repr(one), ""), ("false_fn", repr(two), "")], site=here(),
            hint="return the same number of values, nested in the same way, from both",
        ) from error  # fmt: skip
    for a, b in zip(nest.flatten(one), nest.flatten(two), strict=True):
        if isinstance(a, TensorArray) != isinstance(b, TensorArray):
            raise GraphError(
                "one branch of a cond gives a TensorArray where the other gives none",
                rows=[("true_fn", repr(a), ""), ("false_fn", repr(b), "")], site=here(),
            )  # fmt: skip


def _same_types(one: Sequence[Any], two: Sequence[Any]) -> None:
    """The values of both branches have the same dtypes and ranks; sizes may differ."""
    for k, (a, b) in enumerate(zip(one, two, strict=True)):
        if isinstance(a, Deferred) or isinstance(b, Deferred):
            continue
        kind: type[GraphcError] | None = None
        fact = hint = ""
        if a.dtype is not b.dtype:
            kind, fact = DTypeError, "dtypes"
            hint = f"cast one of them: tf.cast(..., tf.{a.dtype})"
        elif None not in (a.type.rank, b.type.rank) and a.type.rank != b.type.rank:
            kind, fact = ShapeError, "ranks"
            hint = "give both the same number of axes: tf.reshape, tf.expand_dims"
        if kind is not None:
            raise kind(
                f"the branches of a cond give different {fact}",
                rows=[("true_fn", str(a.type), whence(a)), ("false_fn", str(b.type), whence(b))],
                subject=f"value {k}" if len(one) > 1 else "", site=here(), hint=hint,
            )  # fmt: skip


def _as_given(structure: Any, outs: Sequence[Tensor]) -> Any:
    """The results in the structure the branches gave."""
    leaves: list[Any] = []
    values = iter(outs)
    for was in nest.flatten(structure):
        if isinstance(was, TensorArray):
            held = [] if was.shared.shape is None else [next(values), next(values)]
            leaves.append(was.after(held))
            continue
        out = next(values)
        leaves.append(None if was is None else out)
    return nest.pack_sequence_as(structure, leaves)


def case(
    pred_fn_pairs: Any,
    default: Thunk | None = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """What the function of the first true predicate gives, else what ``default()`` gives.

    ``pred_fn_pairs`` is a list of (bool tensor, function), or a dict.  Without a default the run
    fails where no predicate is true; ``exclusive`` makes it fail where several are.

    >>> tf.case([(x < 0, lambda: -1.0), (x > 0, lambda: 1.0)], default=lambda: 0.0)
    """
    pairs = list(pred_fn_pairs.items() if hasattr(pred_fn_pairs, "items") else pred_fn_pairs)
    for pair in pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2 or not callable(pair[1]):
            raise TypeError(f"case takes (predicate, function) pairs, got {pair!r}")
    if not pairs:
        raise ValueError("case takes one pair at least")
    with name_scope(name, "case"):
        checks = []
        b = Builder(default_graph())
        truths = b.cast(b.pack(*(convert(p) for p, _ in pairs), axis=0), dtype=int32)
        count = b.reduce_sum(truths)
        if exclusive:
            message = "more than one predicate of a case is true"
            checks.append(resolve("assert_less_equal")(count, 1, message=message))
        if default is None:
            message = "no predicate of a case is true, and it has no default"
            checks.append(resolve("assert_positive")(count, message=message))
            *pairs, (_, default) = pairs
        with control_dependencies(checks):
            return _chosen(pairs, default, strict)


def _chosen(pairs: Sequence[tuple[Any, Thunk]], default: Thunk, strict: bool) -> Any:
    if not pairs:
        return default()
    (pred, function), *rest = pairs
    return cond(pred, function, lambda: _chosen(rest, default, strict), strict=strict)


def switch_case(
    branch_index: Any, branch_fns: Any, default: Thunk | None = None, name: str = "switch_case"
) -> Any:
    """What ``branch_fns[branch_index]()`` gives; out of range, the default's (else the last's)."""
    pairs = sorted(branch_fns.items()) if hasattr(branch_fns, "items") else [*enumerate(branch_fns)]
    pairs = [pair if callable(pair[1]) else pair[1] for pair in pairs]
    if not pairs:
        raise ValueError("switch_case takes one function at least")
    index = convert(branch_index)
    if not index.dtype.is_integer:
        raise TypeError(f"branch_index must be an integer, got {index.dtype}")
    with name_scope(name, "switch_case"):
        b = Builder(default_graph())
        chosen = [(b.equal(index, b.tensor(k, like=index)), f) for k, f in pairs]
        last = default or chosen.pop()[1]
        return _chosen(chosen, last, strict=False)
