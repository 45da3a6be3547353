"""Assertions: operations that fail a run unless something holds.

What constants already decide is decided while the graph is built: a failure is raised there, at
the user's line, and what holds becomes an operation that does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from frontends.tf.functions.host import Assert
from frontends.tf.graph.building import group
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.names.forwards import alike
from graphc.errors import DTypeError, InvalidArgumentError, ShapeError
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import DType, as_dtype, bool_, float32
from graphc.ir.graph import Node, Tensor
from graphc.ir.source import here
from graphc.ops.text.as_text import format_values


def is_numeric_tensor(tensor: Any) -> bool:
    """Whether this is a tensor of numbers (not of bools or strings)."""
    found = as_tensor(tensor)
    return found is not None and found.dtype.kind in ("float", "int", "uint", "complex")


def known_value(tensor: Tensor) -> np.ndarray | None:
    """A constant's value; None for anything else."""
    op: Any = tensor.node.op
    return op.value.array if op.name == "const" else None


def _checked(
    holds: Callable[..., Any], operands: Sequence[Tensor], data: Sequence[Any],
    summarize: int | None, name: str,
) -> Node:  # fmt: skip
    """An assertion that ``holds`` of the operands: a function of arrays and of tensors alike."""
    values = [known_value(t) for t in operands]
    if all(v is not None for v in values):
        if bool(np.all(holds(np, *values))):
            return group(name=name)
        count = 3 if summarize is None else summarize
        shown = [d if isinstance(d, str) else _shown(convert(d), count) for d in data]
        raise InvalidArgumentError(" ".join(map(str.strip, shown)), subject=name, site=here())
    b = builder(*operands)
    with b.home.name_scope(name):
        truth = b.reduce_all(holds(b, *operands), axis=None)
        return Assert(truth, data, summarize)


def _shown(tensor: Tensor, count: int) -> str:
    value = known_value(tensor)
    return f"{tensor.name}" if value is None else f"[{format_values(value, count)}]"


def _said(message: str | None, *facts: Any) -> list[Any]:
    return [*([message] if message else []), *facts]


def _binary(public: str, op: str, sign: str) -> Callable[..., Node]:
    def check(
        x: Any, y: Any, data: Any = None, summarize: int | None = None, message: str | None = None,
        name: str | None = None,
    ) -> Node:  # fmt: skip
        left, right = alike([x, y])
        title = name or public
        if left is right and op in ("equal", "less_equal", "greater_equal"):
            return group(name=title)
        shown = list(data) if data is not None else _said(
            message, f"Condition x {sign} y did not hold element-wise:",
            f"x ({left.name}) = ", left, f"y ({right.name}) = ", right,
        )  # fmt: skip
        return _checked(lambda of, p, q: getattr(of, op)(p, q), [left, right], shown, summarize,
                        title)  # fmt: skip

    check.__name__ = check.__qualname__ = public
    check.__doc__ = (
        f"An operation that fails unless ``x {sign} y`` holds for every element (they broadcast)."
    )
    return check


assert_equal = _binary("assert_equal", "equal", "==")
assert_none_equal = _binary("assert_none_equal", "not_equal", "!=")
assert_less = _binary("assert_less", "less", "<")
assert_less_equal = _binary("assert_less_equal", "less_equal", "<=")
assert_greater = _binary("assert_greater", "greater", ">")
assert_greater_equal = _binary("assert_greater_equal", "greater_equal", ">=")


def _against_zero(public: str, op: str, sign: str) -> Callable[..., Node]:
    def check(
        x: Any, data: Any = None, summarize: int | None = None, message: str | None = None,
        name: str | None = None,
    ) -> Node:  # fmt: skip
        tensor = convert(x)
        zero = tensor.dtype.numpy.type(0)
        shown = list(data) if data is not None else _said(
            message, f"Condition x {sign} 0 did not hold element-wise:", f"x ({tensor.name}) = ",
            tensor,
        )  # fmt: skip
        return _checked(
            lambda of, p: getattr(of, op)(p, zero), [tensor], shown, summarize, name or public
        )

    check.__name__ = check.__qualname__ = public
    check.__doc__ = f"An operation that fails unless every element is {sign} 0."
    return check


assert_negative = _against_zero("assert_negative", "less", "<")
assert_positive = _against_zero("assert_positive", "greater", ">")
assert_non_negative = _against_zero("assert_non_negative", "greater_equal", ">=")
assert_non_positive = _against_zero("assert_non_positive", "less_equal", "<=")


def assert_near(
    x: Any, y: Any, rtol: Any = None, atol: Any = None, data: Any = None,
    summarize: int | None = None, message: str | None = None, name: str | None = None,
) -> Node:  # fmt: skip
    """An operation that fails unless ``|x - y| <= atol + rtol * |y|`` for every element.

    Both tolerances are ten times the dtype's precision unless given.
    """
    left, right = alike([x, y])
    precision = 10 * float(np.finfo(left.dtype.numpy).eps) if left.dtype.is_floating else 0.0
    near = [
        convert(precision if t is None else t, like=left) if as_tensor(t) is None else convert(t)
        for t in (rtol, atol)
    ]
    shown = list(data) if data is not None else _said(
        message, "x and y not equal to tolerance", f"rtol ({near[0].name}) = ", near[0],
        f"atol ({near[1].name}) = ", near[1], f"x ({left.name}) = ", left,
        f"y ({right.name}) = ", right,
    )  # fmt: skip

    def holds(of: Any, p: Any, q: Any, r: Any, a: Any) -> Any:
        if of is np:
            return np.abs(p - q) <= a + r * np.abs(q)
        return of.less_equal(of.abs(of.sub(p, q)), of.add(a, of.mul(r, of.abs(q))))

    return _checked(holds, [left, right, *near], shown, summarize, name or "assert_near")


# --- ranks, dtypes and shapes --------------------------------------------------------------------


def _ranked(
    x: Any, ranks: Sequence[int], least: bool, said: str, data: Any, summarize: int | None,
    message: str | None, name: str,
) -> Node:  # fmt: skip
    tensor = convert(x)
    rank = tensor.type.rank
    if rank is not None:
        if rank >= ranks[0] if least else rank in ranks:
            return group(name=name)
        before = f"{message} " if message else ""
        raise ShapeError(
            f"{before}{tensor.name} must have {said}, it is {tensor.type}", subject=name,
            site=here(),
        )  # fmt: skip
    shown = list(data) if data is not None else _said(
        message, f"Tensor {tensor.name} must have {said}", "Received shape: ",
        builder(tensor).shape(tensor),
    )  # fmt: skip
    b = builder(tensor)
    with b.home.name_scope(name):
        found = b.rank(tensor)
        if least:
            truth = b.greater_equal(found, ranks[0])
        else:
            truth = b.reduce_any(b.equal(found, np.array(ranks, np.int32)), axis=None)
        return Assert(truth, shown, summarize)


def _known_rank(rank: Any) -> int:
    tensor = as_tensor(rank)
    value = rank if tensor is None else known_value(tensor)
    if value is None:
        raise ValueError(f"the rank must be known while the graph is built, got {rank!r}")
    if not hasattr(value, "__index__"):
        raise TypeError(f"a rank is an int, got {value!r}")
    return int(value)


def assert_rank(
    x: Any, rank: Any, data: Any = None, summarize: int | None = None, message: str | None = None,
    name: str | None = None,
) -> Node:  # fmt: skip
    """Refuse a tensor of another rank; known ranks are compared while the graph is built."""
    wanted = _known_rank(rank)
    said = f"rank {wanted}"
    return _ranked(x, [wanted], False, said, data, summarize, message, name or "assert_rank")


def assert_rank_at_least(
    x: Any, rank: Any, data: Any = None, summarize: int | None = None, message: str | None = None,
    name: str | None = None,
) -> Node:  # fmt: skip
    """Refuse a tensor of a lower rank; known ranks are compared while the graph is built."""
    wanted = _known_rank(rank)
    title = name or "assert_rank_at_least"
    return _ranked(x, [wanted], True, f"rank at least {wanted}", data, summarize, message, title)


def assert_rank_in(
    x: Any, ranks: Iterable[Any], data: Any = None, summarize: int | None = None,
    message: str | None = None, name: str | None = None,
) -> Node:  # fmt: skip
    """Refuse a tensor whose rank is not among ``ranks``; known ranks are compared while the graph
    is built."""
    wanted = [_known_rank(rank) for rank in ranks]
    said = f"rank in {tuple(wanted)}"
    return _ranked(x, wanted, False, said, data, summarize, message, name or "assert_rank_in")


def assert_scalar(tensor: Any, name: str | None = None, message: str | None = None) -> Tensor:
    """``tensor``, which must be known to be a scalar."""
    found = convert(tensor)
    if found.type.shape != ():
        before = f"{message} " if message else ""
        raise ShapeError(f"{before}{found.name} must be a scalar, it is {found.type}", site=here())
    return found


def assert_type(
    tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None
) -> Node:
    """Refuse a tensor of another dtype, while the graph is built."""
    found, wanted = convert(tensor), as_dtype(tf_type)
    if found.dtype is not wanted:
        before = f"{message} " if message else ""
        raise DTypeError(f"{before}{found.name} must be {wanted}, it is {found.type}", site=here())
    return group(name=name or "assert_type")


def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> Node:
    """Refuse a tensor that does not hold integers, while the graph is built."""
    found = convert(x)
    if not found.dtype.is_integer:
        before = f"{message} " if message else ""
        raise DTypeError(f"{before}{found.name} must be integer, it is {found.type}", site=here())
    return group(name=name or "assert_integer")


def assert_same_float_dtype(tensors: Sequence[Any] | None = None, dtype: Any = None) -> DType:
    """The floating dtype that all ``tensors`` (and ``dtype``, if given) have; float32 for none."""
    wanted = as_dtype(dtype) if dtype is not None else None
    first: Tensor | None = None
    for tensor in (convert(t) for t in tensors or () if t is not None):
        if wanted is None:
            wanted, first = tensor.dtype, tensor
        elif tensor.dtype is not wanted:
            like = f"as {first.name}" if first is not None else f"({wanted})"
            raise DTypeError(
                f"{tensor.name} is {tensor.dtype}, it must have the dtype {like}: {wanted}",
                site=here(),
            )
    wanted = wanted or float32
    if not wanted.is_floating:
        raise DTypeError(f"a floating dtype is needed, got {wanted}", site=here())
    return wanted


def assert_proper_iterable(values: Any) -> None:
    """Refuse what is no list of things: a tensor, an array, a string, no iterable."""
    if (
        as_tensor(values) is not None
        or isinstance(values, np.ndarray | str | bytes)
        or not hasattr(values, "__iter__")
    ):
        raise TypeError(f"a list of values is needed, got {type(values).__name__}")


def assert_shapes(
    shapes: Any, data: Any = None, summarize: int | None = None, message: str | None = None,
    name: str | None = None,
) -> Node:  # fmt: skip
    """Refuse tensors whose shapes do not fit: pairs (or a dict) of a tensor and its shape, in which
    a name stands for one size everywhere; None or "*" is any size, ``...`` first any axes.

    >>> tf.debugging.assert_shapes([(x, ("N", 784)), (labels, ("N",))])
    """
    pairs = list(shapes.items()) if isinstance(shapes, Mapping) else list(shapes)
    known: dict[str, tuple[Any, Tensor, int]] = {}
    checks: list[Node] = []
    with builder(*(x for x, _ in pairs)).home.name_scope(name or "assert_shapes"):
        for x, shape in pairs:
            tensor = convert(x)
            wanted = list(shape) if isinstance(shape, tuple | list | TensorShape) else [shape]
            if wanted and (wanted[0] is Ellipsis or wanted[0] == "..."):
                wanted = wanted[1:]
                checks.append(assert_rank_at_least(tensor, len(wanted), data, summarize, message))
            else:
                checks.append(assert_rank(tensor, len(wanted), data, summarize, message))
            checks += _sizes(tensor, wanted, known, data, summarize, message)
        return group(*checks)


def _sizes(
    tensor: Tensor, wanted: Sequence[Any], known: dict[str, tuple[Any, Tensor, int]], data: Any,
    summarize: int | None, message: str | None,
) -> list[Node]:  # fmt: skip
    checks = []
    for axis, size in enumerate(wanted, -len(wanted)):
        if size is None or size in ("*", "."):
            continue
        own = _size(tensor, axis)
        if isinstance(size, str):
            if size not in known:
                known[size] = (own, tensor, axis)
                continue
            expected, other, place = known[size]
            said = f"the size {size!r} of {other.name} (axis {place})"
        else:
            expected, said = size, f"size {size}"
        if isinstance(own, int) and isinstance(expected, int):
            if own != expected:
                before = f"{message} " if message else ""
                raise ShapeError(
                    f"{before}axis {axis} of {tensor.name} must have {said}, it is {tensor.type}",
                    site=here(),
                )
        else:
            checks.append(assert_equal(own, expected, data, summarize, message))
    return checks


def _size(tensor: Tensor, axis: int) -> Any:
    shape = tensor.type.shape
    if shape is not None and isinstance(shape[axis], int):
        return shape[axis]
    return builder(tensor).shape(tensor)[axis]


# --- order ---------------------------------------------------------------------------------------


def _increasing(x: Any, op: str, name: str) -> Tensor:
    tensor = convert(x)
    b = builder(tensor)
    with b.home.name_scope(name):
        if tensor.type.elements in (0, 1) and tensor.type.shape is not None:
            return b.tensor(True, dtype=bool_)
        flat = b.reshape(tensor, shape=(-1,))
        return b.reduce_all(getattr(b, op)(flat[:-1], flat[1:]), axis=None)


def is_non_decreasing(x: Any, name: str | None = None) -> Tensor:
    """Whether no element, in row-major order, is below the one before it; a bool scalar."""
    return _increasing(x, "less_equal", name or "is_non_decreasing")


def is_strictly_increasing(x: Any, name: str | None = None) -> Tensor:
    """Whether every element, in row-major order, is above the one before it; a bool scalar."""
    return _increasing(x, "less", name or "is_strictly_increasing")


def assert_variables_initialized(var_list: Sequence[Any] | None = None) -> Node:
    """An operation that fails, naming them, while variables have no value."""
    from frontends.tf.variables.variable import report_uninitialized_variables

    missing = report_uninitialized_variables(var_list)
    b = builder(missing)
    with b.home.name_scope("assert_variables_initialized"):
        return Assert(b.equal(b.size(missing), 0), ["not initialized:", missing], -1)
