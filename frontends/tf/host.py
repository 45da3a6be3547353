"""Python inside a graph: functions, printing, checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from frontends.tf.building import group
from frontends.tf.forwards import alike
from frontends.tf.tensor import builder, convert
from graphc.ir.dtype import as_dtype
from graphc.ir.graph import Node, Tensor
from graphc.ir.source import here


def py_func(
    func: Callable, inp: Sequence[Any], Tout: Any, stateful: bool = True, name: str | None = None
) -> Any:
    """Call ``func`` with the values of ``inp`` when the graph runs; its results have the dtypes
    ``Tout``.

    Returns a tensor, or a list of them where ``Tout`` is a list.  Shapes are unknown: use
    ``set_shape``. ``func`` gets copies it may keep.  ``stateful`` changes nothing: calls are never
    merged.

    >>> y = tf.py_func(np.sort, [x], tf.float32)
    """
    tensors = [convert(v) for v in inp]
    several = isinstance(Tout, list | tuple)
    dtypes = tuple(as_dtype(t) for t in (Tout if several else [Tout]))
    made = builder(*tensors).python_function(func, tensors, dtypes, name=name or "PyFunc")
    outputs = [part for part in made if not isinstance(part, Node)]
    return outputs if several else outputs[0]


def Print(
    input_: Any,
    data: Sequence[Any],
    message: str | None = None,
    first_n: int | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Tensor:
    """``input_``, and when it is computed the values of ``data`` are written to standard error.

    >>> x = tf.Print(x, [tf.reduce_mean(x)], "mean: ")
    """
    x = convert(input_)
    tensors = [convert(d) for d in data]
    return builder(x).print_values(
        x, tensors, message=message or "", first_n=-1 if first_n is None else first_n,
        summarize=3 if summarize is None else summarize, name=name or "Print",
    )  # fmt: skip


def Assert(
    condition: Any, data: Sequence[Any], summarize: int | None = None, name: str | None = None
) -> Node:
    """An operation that fails, showing ``data``, unless ``condition`` is true.

    >>> with tf.control_dependencies([tf.Assert(tf.reduce_all(x > 0), [x])]):
    ...     y = tf.log(x)
    """
    truth = convert(condition, "bool")
    tensors = [convert(d) for d in data]
    check = getattr(builder(truth), "assert")
    return check(
        truth, *tensors, summarize=3 if summarize is None else summarize, name=name or "Assert"
    )


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Tensor:
    """``tensor``; when the graph runs, a NaN or infinity in it is an error with ``message``."""
    x = convert(tensor)
    return builder(x).check_numerics(x, message=message, name=name or "CheckNumerics")


def verify_tensor_all_finite(t: Any, msg: str, name: str | None = None) -> Tensor:
    """The same as :func:`check_numerics`."""
    return check_numerics(t, msg, name)


def add_check_numerics_ops() -> Node:
    """An operation that checks every floating tensor made so far for NaN and infinity."""
    from graphc.ir.graph import default_graph

    graph = default_graph()
    checked = [
        check_numerics(t, f"{t.name}, made {t.node.site.describe() if t.node.site else ''}")
        for node in list(graph.nodes)
        for t in node.outputs
        if t.dtype.is_floating and node.op.name not in ("variable", "const", "check_numerics")
    ]
    return group(*checked, name="check_numerics")


# --- assertions about values ---------------------------------------------------------------------


def _assertion(public: str, op: str, sign: str) -> Callable[..., Node]:
    def check(
        x: Any, y: Any, data: Any = None, summarize: int | None = None, message: str | None = None,
        name: str | None = None,
    ) -> Node:  # fmt: skip
        left, right = alike([x, y])
        b = builder(left, right)
        holds = b.reduce_all(getattr(b, op)(left, right), axis=None)
        shown = list(data) if data is not None else [left, right]
        note = message or f"{left.name} {sign} {right.name} does not hold"
        return Assert(holds, [note, *shown], summarize, name or public)

    check.__name__ = check.__qualname__ = public
    check.__doc__ = f"An operation that fails unless ``x {sign} y`` holds for every element."
    return check


assert_equal = _assertion("assert_equal", "equal", "==")
assert_none_equal = _assertion("assert_none_equal", "not_equal", "!=")
assert_less = _assertion("assert_less", "less", "<")
assert_less_equal = _assertion("assert_less_equal", "less_equal", "<=")
assert_greater = _assertion("assert_greater", "greater", ">")
assert_greater_equal = _assertion("assert_greater_equal", "greater_equal", ">=")


def assert_positive(
    x: Any, data: Any = None, summarize: int | None = None, message: str | None = None,
    name: str | None = None,
) -> Node:  # fmt: skip
    """An operation that fails unless every element is above 0."""
    return assert_greater(x, 0, data, summarize, message, name or "assert_positive")


def assert_non_negative(
    x: Any, data: Any = None, summarize: int | None = None, message: str | None = None,
    name: str | None = None,
) -> Node:  # fmt: skip
    """An operation that fails unless every element is at least 0."""
    return assert_greater_equal(x, 0, data, summarize, message, name or "assert_non_negative")


def assert_rank(
    x: Any, rank: int, data: Any = None, summarize: int | None = None, message: str | None = None,
    name: str | None = None,
) -> Node:  # fmt: skip
    """Refuse a tensor of another rank; known ranks are compared while the graph is built."""
    tensor = convert(x)
    if tensor.type.rank is not None and tensor.type.rank != rank:
        raise ValueError(
            f"{message or ''} {tensor.name} must have rank {rank}, it is {tensor.type}"
            f" (at {site.short if (site := here()) else '?'})".strip()
        )
    if tensor.type.rank is not None:
        return group(name=name or "assert_rank")
    return assert_equal(builder(tensor).rank(tensor), rank, data, summarize, message, name)
