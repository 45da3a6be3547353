"""Arithmetic beyond the plain forwards: reductions, casts, products, clipping, checks of
equality."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from frontends.tf.graph.indexed_slices import IndexedSlices, of_values, values_of
from frontends.tf.graph.tensor import builder, convert, listed
from frontends.tf.names.forwards import alike
from graphc.errors import AttributeValueError
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import DType, as_dtype, bfloat16, float32, float64, int8, int32, int64
from graphc.ir.graph import Tensor
from graphc.ir.shape_values import dims_of
from graphc.ir.source import here


def __getattr__(name: str) -> Any:
    """``tf.math.exp`` and its like, which are owned by other modules."""
    from frontends.tf.names.missing import elsewhere

    return elsewhere("math", name)


def axes_of(axis: Any) -> int | tuple[int, ...] | None:
    """An axis argument (int, list, constant tensor, None) as ints."""
    tensor = as_tensor(axis)
    if tensor is not None:
        axis = dims_of(tensor)
        if axis is None:
            raise AttributeValueError(
                f"axis must be known while the graph is built, got {tensor.name}", site=here()
            )
    if axis is None:
        return None
    if hasattr(axis, "__index__") and not getattr(axis, "ndim", 0):
        return axis.__index__()
    if isinstance(axis, str) or not isinstance(axis, Iterable):
        raise AttributeValueError(f"an axis is an int, got {axis!r}", site=here())
    return tuple(_axis(k) for k in axis)


def _axis(value: Any) -> int:
    found = axes_of(value)
    if not isinstance(found, int):
        raise AttributeValueError(f"an axis is one int, got {value!r}", site=here())
    return found


def _one_of(new: Any, old: Any, new_name: str, old_name: str) -> Any:
    if new is not None and old is not None:
        raise ValueError(f"{new_name} and {old_name} are the same argument; give one")
    return new if new is not None else old


def _reduction(op: str, public: str, formula: str) -> Callable[..., Tensor]:
    def reduce(
        input_tensor: Any,
        axis: Any = None,
        keepdims: bool | None = None,
        name: str | None = None,
        reduction_indices: Any = None,
        keep_dims: bool | None = None,
    ) -> Tensor:
        x = convert(input_tensor)
        axes = axes_of(_one_of(axis, reduction_indices, "axis", "reduction_indices"))
        keep = bool(_one_of(keepdims, keep_dims, "keepdims", "keep_dims"))
        return getattr(builder(x), op)(x, axis=axes, keepdims=keep, name=name)

    reduce.__name__ = reduce.__qualname__ = public
    reduce.__doc__ = (
        f"{formula} over ``axis`` (an int, a list, or None for all axes).\n\n"
        "``keepdims`` keeps the reduced axes with size 1.  ``reduction_indices`` and "
        "``keep_dims`` are\nthe older spellings."
    )
    return reduce


reduce_sum = _reduction("reduce_sum", "reduce_sum", "The sum")
reduce_mean = _reduction("reduce_mean", "reduce_mean", "The mean")
reduce_max = _reduction("reduce_max", "reduce_max", "The largest")
reduce_min = _reduction("reduce_min", "reduce_min", "The smallest")
reduce_prod = _reduction("reduce_prod", "reduce_prod", "The product")
reduce_all = _reduction("reduce_all", "reduce_all", "Whether all are true")
reduce_any = _reduction("reduce_any", "reduce_any", "Whether any is true")
reduce_logsumexp = _reduction(
    "reduce_logsumexp", "reduce_logsumexp", "``log(sum(exp(x)))``, stably,"
)
reduce_variance = _reduction("reduce_variance", "reduce_variance", "The variance")
reduce_std = _reduction("reduce_std", "reduce_std", "The standard deviation")


def count_nonzero(
    input_tensor: Any = None, axis: Any = None, keepdims: bool | None = None, dtype: Any = int64,
    name: str | None = None, reduction_indices: Any = None, keep_dims: bool | None = None,
    input: Any = None,
) -> Tensor:  # fmt: skip
    """How many elements are not zero, over ``axis``."""
    x = convert(_one_of(input_tensor, input, "input_tensor", "input"))
    b = builder(x)
    present = x if x.dtype.is_bool else b.not_equal(x, "" if x.dtype.is_string else 0)
    return reduce_sum(
        b.cast(present, dtype=as_dtype(dtype)), axis, keepdims, name, reduction_indices, keep_dims
    )


def argmax(
    input: Any,
    axis: Any = None,
    name: str | None = None,
    dimension: Any = None,
    output_type: Any = int64,
) -> Tensor:
    """Where along ``axis`` (default 0) the largest element is; the first of equal ones.

    >>> tf.argmax([[1.0, 3.0, 2.0]], 1)      # [1]
    """
    return _position(
        "argmax", input, _one_of(axis, dimension, "axis", "dimension"), name, output_type
    )


def argmin(
    input: Any,
    axis: Any = None,
    name: str | None = None,
    dimension: Any = None,
    output_type: Any = int64,
) -> Tensor:
    """Where along ``axis`` (default 0) the smallest element is; the first of equal ones."""
    return _position(
        "argmin", input, _one_of(axis, dimension, "axis", "dimension"), name, output_type
    )


def _position(op: str, input: Any, axis: Any, name: str | None, output_type: Any) -> Tensor:
    x = convert(input)
    chosen = None if axis is None else _axis(axis)
    if x.dtype.is_bool:
        x = builder(x).cast(x, dtype=int8)
    return getattr(builder(x), op)(
        x, axis=0 if chosen is None else chosen, dtype=as_dtype(output_type), name=name
    )


def add_n(inputs: Sequence[Any], name: str | None = None) -> Tensor:
    """The sum of a list of tensors of one shape."""
    if not isinstance(inputs, list | tuple) or not inputs:
        raise ValueError("add_n takes a list of at least one tensor")
    tensors = alike(list(inputs))
    return builder(*tensors).add_n(*tensors, name=name)


def accumulate_n(
    inputs: Sequence[Any], shape: Any = None, tensor_dtype: Any = None, name: str | None = None
) -> Tensor:
    """The same as :func:`add_n`."""
    return add_n(inputs, name)


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Any:
    """``scalar * x``; of ``tf.IndexedSlices``, slices."""
    if isinstance(x, IndexedSlices):
        return x.with_values(scalar_mul(scalar, x.values, name))
    tensor = convert(x)
    return builder(tensor).mul(convert(scalar, like=tensor), tensor, name=name)


@of_values
def cast(x: Any, dtype: Any, name: str | None = None) -> Tensor:
    """``x`` as another dtype; floats become integers toward zero.

    >>> tf.cast(tf.equal(a, b), tf.float32)
    """
    tensor = convert(x)
    wanted = as_dtype(dtype)
    if tensor.dtype is wanted and name is None:
        return tensor
    return builder(tensor).cast(tensor, dtype=wanted, name=name)


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Tensor:
    """``value`` as another dtype, clipped to what that dtype can hold."""
    x, wanted = convert(value), as_dtype(dtype)
    b = builder(x)
    if wanted.min > x.dtype.min:
        x = b.maximum(x, b.tensor(x.dtype.numpy.type(wanted.min), dtype=x.dtype))
    if wanted.max < x.dtype.max:
        x = b.minimum(x, b.tensor(x.dtype.numpy.type(wanted.max), dtype=x.dtype))
    return cast(x, wanted, name)


def _cast_to(dtype: DType, title: str) -> Callable[..., Tensor]:
    def to(x: Any, name: str | None = title) -> Tensor:
        return cast(x, dtype, name)

    to.__name__ = to.__qualname__ = f"to_{'float' if dtype is float32 else dtype.name}"
    to.__doc__ = f"``x`` as {dtype}: ``tf.cast(x, tf.{dtype})``."
    return to


to_float = _cast_to(float32, "ToFloat")
to_double = _cast_to(float64, "ToDouble")
to_int32 = _cast_to(int32, "ToInt32")
to_int64 = _cast_to(int64, "ToInt64")
to_bfloat16 = _cast_to(bfloat16, "ToBFloat16")


# --- clipping ------------------------------------------------------------------------------------


@of_values
def clip_by_value(
    t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None
) -> Tensor:
    """``t`` with every element moved into [clip_value_min, clip_value_max]."""
    x = convert(t)
    low, high = convert(clip_value_min, like=x), convert(clip_value_max, like=x)
    return builder(x).clip_by_value(x, low, high, name=name)


@of_values
def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Tensor:
    """``t`` scaled down to the L2 norm ``clip_norm`` where its own (over ``axes``) is larger."""
    x = convert(t)
    b = builder(x)
    with b.home.name_scope(name or "clip_by_norm"):
        squares = b.reduce_sum(b.square(x), axis=axes_of(axes), keepdims=True)
        nonzero = b.greater(squares, 0.0)
        norm = b.where(nonzero, b.sqrt(b.where(nonzero, squares, b.ones_like(squares))), squares)
        limit = convert(clip_norm, like=x)
        scaled = b.truediv(b.mul(x, limit), b.maximum(norm, limit))
        # With unknown axes the norm is [1, ..., 1]: the quotient has the shape of x.
        return b.identity(scaled, name="clipped")


def clip_by_average_norm(t: Any, clip_norm: Any, name: str | None = None) -> Tensor:
    """As :func:`clip_by_norm`, with the norm divided by the number of elements."""
    x = convert(t)
    b = builder(x)
    count = b.cast(b.size(x), dtype=x.dtype)
    return clip_by_norm(x, b.mul(convert(clip_norm, like=x), count), name=name)


def global_norm(t_list: Sequence[Any], name: str | None = None) -> Tensor:
    """``sqrt(sum of the squares of all elements of all tensors)``; None entries do not count."""
    tensors = [convert(values_of(t)) for t in listed(t_list, "t_list") if t is not None]
    if not tensors:
        raise ValueError("global_norm needs at least one tensor")
    b = builder(*tensors)
    with b.home.name_scope(name or "global_norm"):
        squares = [b.reduce_sum(b.square(t), axis=None) for t in tensors]
        total = squares[0] if len(squares) == 1 else b.add_n(*squares)
        return b.sqrt(total, name="global_norm")


def clip_by_global_norm(
    t_list: Sequence[Any], clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Tensor]:
    """All tensors scaled by one factor so that their global norm is at most ``clip_norm``.

    Returns (clipped tensors, global norm before); None entries stay None.

    >>> grads, norm = tf.clip_by_global_norm(tf.gradients(loss, params), 5.0)
    """
    norm = convert(use_norm) if use_norm is not None else global_norm(t_list)
    b = builder(norm)
    with b.home.name_scope(name or "clip_by_global_norm"):
        limit = convert(clip_norm, like=norm)
        factor = b.truediv(limit, b.maximum(norm, limit))
        scaled = of_values(lambda t: b.mul(convert(t), factor))
        clipped = [None if t is None else scaled(t) for t in t_list]
    return clipped, norm


# --- polynomials, closeness, bits ----------------------------------------------------------------


def polyval(coeffs: Sequence[Any], x: Any, name: str | None = None) -> Tensor:
    """``coeffs[0] * x**(n-1) + ... + coeffs[n-1]`` by Horner's rule; 0 for no coefficients."""
    if not isinstance(coeffs, list | tuple):
        raise ValueError(f"coeffs must be a list, got {type(coeffs).__name__}")
    point = convert(x)
    b = builder(point)
    with b.home.name_scope(name or "polyval") as scope:
        if not coeffs:
            return b.identity(b.zeros_like(point), name=scope)
        factors = [convert(c, like=point) for c in coeffs]
        total = factors[0]
        for factor in factors[1:]:
            total = b.add(factor, b.mul(total, point))
        return b.identity(total, name=scope)


def approximate_equal(x: Any, y: Any, tolerance: float = 1e-05, name: str | None = None) -> Tensor:
    """Whether ``|x - y| < tolerance``, elementwise; x and y have one shape."""
    first, second = alike([x, y])
    b = builder(first, second)
    return b.less(b.abs(b.sub(first, second)), tolerance, name=name)


def bitcast(input: Any, type: Any, name: str | None = None) -> Tensor:
    """The same bytes read as another dtype.

    To a narrower dtype ``[...]`` becomes ``[..., ratio]``; to a wider one ``[..., ratio]`` becomes
    ``[...]``.
    """
    x = convert(input)
    return builder(x).bitcast(x, dtype=as_dtype(type), name=name)


# --- small functions -----------------------------------------------------------------------------


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> Any:
    """The shape two known shapes broadcast to."""
    from frontends.tf.graph.shapes import TensorShape
    from graphc.ir.types import TensorType, broadcast

    x, y = TensorShape(shape_x).symbolic(), TensorShape(shape_y).symbolic()
    return TensorShape(broadcast(x=TensorType(float32, x), y=TensorType(float32, y)))  # type: ignore[arg-type]
