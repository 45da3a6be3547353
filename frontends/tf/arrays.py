"""Shapes and elements: making arrays, reshaping, joining, slicing, picking."""

from __future__ import annotations

from typing import Any

import numpy as np

from frontends.tf.forwards import alike
from frontends.tf.math import _one_of, axes_of
from frontends.tf.tensor import builder, convert, known_rank, plain, size_of, sizes_of
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import as_dtype, float32, int32
from graphc.ir.graph import Tensor

newaxis = None


# --- making --------------------------------------------------------------------------------------


def zeros(shape: Any, dtype: Any = float32, name: str | None = None) -> Tensor:
    """Zeros (False for bool) of ``shape``, which may hold tensors such as ``tf.shape(x)[0]``."""
    return _full(shape, 0, dtype, name or "zeros")


def ones(shape: Any, dtype: Any = float32, name: str | None = None) -> Tensor:
    """Ones (True for bool) of ``shape``."""
    return _full(shape, 1, dtype, name or "ones")


def _full(shape: Any, number: int, dtype: Any, name: str) -> Tensor:
    b = builder(*_tensors_in(shape))
    make = b.ones if number else b.zeros
    return make(plain(shape), dtype=as_dtype(dtype), name=name)


def _tensors_in(shape: Any) -> list[Tensor]:
    listed = shape if isinstance(shape, list | tuple) else [shape]
    return [t for t in map(as_tensor, listed) if t is not None]


def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """``value`` in every element of the shape ``dims``."""
    scalar = convert(value)
    return builder(scalar).fill(plain(dims), scalar, name=name)


def zeros_like(
    tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True
) -> Tensor:
    """Zeros in the shape of ``tensor``."""
    return _like("zeros_like", tensor, dtype, name)


def ones_like(
    tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True
) -> Tensor:
    """Ones in the shape of ``tensor``."""
    return _like("ones_like", tensor, dtype, name)


def _like(op: str, tensor: Any, dtype: Any, name: str | None) -> Tensor:
    x = convert(tensor)
    b = builder(x)
    if dtype is not None and as_dtype(dtype) is not x.dtype:
        x = b.cast(x, dtype=as_dtype(dtype))
    return getattr(b, op)(x, name=name)


def range(
    start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "range"
) -> Tensor:
    """``start, start + delta, ...`` up to and not including ``limit``; one argument counts from 0.

    >>> tf.range(3)                          # [0, 1, 2]
    """
    if limit is None:
        start, limit = 0, start
    values = [plain(v) for v in (start, limit, delta)]
    b = builder(*values)
    return b.arange(*values, dtype=as_dtype(dtype) if dtype is not None else None, name=name)


def linspace(start: Any, stop: Any, num: Any, name: str | None = None) -> Tensor:
    """``num`` numbers from ``start`` to ``stop``, both included, evenly spaced."""
    first, last = alike([start, stop])
    b = builder(first, last)
    count = size_of(b, num)
    if count == 1:
        return b.reshape(first, shape=(1,), name=name)
    steps = b.cast(b.arange(0, count, 1, dtype=int32), dtype=first.dtype)
    spacing = b.truediv(b.sub(last, first), b.dim_value(dim=count - 1, dtype=first.dtype))
    return b.add(first, b.mul(steps, spacing), name=name)


def eye(
    num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = float32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The identity matrix."""
    if batch_shape is not None:
        raise NotImplementedError("eye(batch_shape=...) is not provided")
    b = builder(as_tensor(num_rows))
    rows = size_of(b, num_rows)
    columns = rows if num_columns is None else size_of(b, num_columns)
    wanted = as_dtype(dtype)
    left = b.reshape(b.arange(0, rows, 1, dtype=int32), shape=(rows, 1))
    right = b.reshape(b.arange(0, columns, 1, dtype=int32), shape=(1, columns))
    return b.cast(b.equal(left, right), dtype=wanted, name=name)


def one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Tensor:
    """``on_value`` (1) where the new axis' position is the index, ``off_value`` (0) elsewhere.

    >>> tf.one_hot([0, 2], 3)                # [[1, 0, 0], [0, 0, 1]]
    """
    index = convert(indices)
    b = builder(index)
    wanted = as_dtype(dtype) if dtype is not None else _dtype_of(on_value, off_value)
    on, off = 1 if on_value is None else on_value, 0 if off_value is None else off_value
    how = {"depth": size_of(b, depth), "axis": -1 if axis is None else axis}
    if as_tensor(on) is None and as_tensor(off) is None:
        return b.one_hot(index, on_value=on, off_value=off, dtype=wanted, name=name, **how)
    hit = b.one_hot(index, on_value=True, off_value=False, dtype=as_dtype("bool"), **how)
    return b.where(hit, convert(on, wanted), convert(off, wanted), name=name)


def _dtype_of(*values: Any) -> Any:
    for value in values:
        if value is not None:
            return convert(value).dtype if as_tensor(value) is None else as_tensor(value).dtype
    return float32


# --- asking --------------------------------------------------------------------------------------


def shape(input: Any, name: str | None = None, out_type: Any = int32) -> Tensor:
    """The shape of ``input`` as an int vector, computed when the graph runs.

    >>> batch = tf.shape(x)[0]
    """
    x = convert(input)
    return builder(x).shape(x, dtype=as_dtype(out_type), name=name)


def size(input: Any, name: str | None = None, out_type: Any = int32) -> Tensor:
    """How many elements ``input`` has."""
    x = convert(input)
    return builder(x).size(x, dtype=as_dtype(out_type), name=name)


def rank(input: Any, name: str | None = None) -> Tensor:
    """How many axes ``input`` has."""
    x = convert(input)
    return builder(x).rank(x, name=name)


# --- reshaping -----------------------------------------------------------------------------------


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """The same elements in another shape; one size may be -1.

    >>> flat = tf.reshape(images, [-1, 784])
    """
    x = convert(tensor)
    return builder(x).dynamic_reshape(x, plain(shape), name=name)


def transpose(a: Any, perm: Any = None, name: str = "transpose", conjugate: bool = False) -> Tensor:
    """The axes of ``a`` in the order ``perm`` (default: reversed)."""
    x = convert(a)
    order = axes_of(perm)
    return builder(x).transpose(x, perm=order, name=name)


def matrix_transpose(a: Any, name: str = "matrix_transpose", conjugate: bool = False) -> Tensor:
    """The last two axes of ``a`` swapped."""
    x = convert(a)
    n = known_rank(x, "matrix_transpose")
    return builder(x).transpose(x, perm=(*(k for k in _count(n - 2)), n - 1, n - 2), name=name)


def matrix_band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Tensor:
    """The last two axes with everything outside a band around the diagonal set to 0; -1: no limit.

    >>> visible = tf.matrix_band_part(tf.ones([n, n]), -1, 0)  # the lower triangle
    """
    x = convert(input)
    b = builder(x)
    lower, upper = size_of(b, num_lower), size_of(b, num_upper)
    return b.matrix_band_part(x, lower=lower, upper=upper, name=name)


def _count(n: int) -> Any:
    import builtins

    return builtins.range(n)


def expand_dims(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """A new axis of size 1 at ``axis``."""
    x = convert(input)
    where_ = axes_of(_one_of(axis, dim, "axis", "dim"))
    if where_ is None:
        raise ValueError("expand_dims needs axis")
    return builder(x).expand_dims(
        x, axis=where_ if isinstance(where_, int) else where_[0], name=name
    )


def squeeze(
    input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None
) -> Tensor:
    """``input`` without its axes of size 1 (those in ``axis``, or all)."""
    x = convert(input)
    axes = axes_of(_one_of(axis, squeeze_dims, "axis", "squeeze_dims"))
    if axes == ():
        axes = None
    return builder(x).squeeze(x, axis=(axes,) if isinstance(axes, int) else axes, name=name)


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """``input`` repeated along its axes of size 1, and new ones at the front, to fill ``shape``."""
    x = convert(input)
    b = builder(x)
    return b.broadcast_to(x, shape=sizes_of(b, shape), name=name)


def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """``input`` repeated ``multiples[k]`` times along axis ``k``."""
    x = convert(input)
    b = builder(x)
    return b.tile(x, multiples=sizes_of(b, multiples), name=name)


def pad(
    tensor: Any,
    paddings: Any,
    mode: str = "CONSTANT",
    name: str | None = None,
    constant_values: Any = 0,
) -> Tensor:
    """``tensor`` with ``paddings[k] = [before, after]`` elements added along axis ``k``."""
    if mode.upper() != "CONSTANT":
        raise NotImplementedError(f"pad(mode={mode!r}) is not provided; CONSTANT is")
    x = convert(tensor)
    b = builder(x)
    if isinstance(paddings, np.ndarray):
        paddings = paddings.tolist()
    if as_tensor(paddings) is not None:
        paddings = _constant_of(paddings).tolist()
    pairs = tuple(sizes_of(b, pair) for pair in paddings)
    return b.pad(x, paddings=pairs, value=constant_values, name=name)


def _constant_of(tensor: Any) -> np.ndarray:
    node = as_tensor(tensor).node
    if node.op.name != "const":
        raise ValueError(f"{node.name} must be a constant here")
    return node.op.value.array


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """``tensor`` with the elements along ``axis`` in the opposite order."""
    x = convert(tensor)
    axes = axes_of(axis)
    return builder(x).reverse(x, axis=(axes,) if isinstance(axes, int) else axes, name=name)


# --- joining and parting -------------------------------------------------------------------------


def concat(values: Any, axis: Any, name: str = "concat") -> Tensor:
    """Tensors joined along an axis they already have.

    >>> tf.concat([a, b], 1)                 # [n, 3] and [n, 4] -> [n, 7]
    """
    if isinstance(values, int) or (
        as_tensor(values) is None and not isinstance(values, list | tuple)
    ):
        raise TypeError("concat(values, axis): values is a list of tensors, axis an int")
    tensors = alike(list(values)) if isinstance(values, list | tuple) else [convert(values)]
    b = builder(*tensors)
    if len(tensors) == 1:
        return b.identity(tensors[0], name=name)
    return b.concat(*tensors, axis=axes_of(axis), name=name)


def stack(values: Any, axis: int = 0, name: str = "stack") -> Tensor:
    """Tensors of one shape joined along a new axis."""
    tensors = alike(list(values))
    return builder(*tensors).pack(*tensors, axis=axis, name=name)


def unstack(
    value: Any, num: int | None = None, axis: int = 0, name: str = "unstack"
) -> list[Tensor]:
    """The slices of ``value`` along ``axis``, without that axis."""
    x = convert(value)
    return list(builder(x).unstack(x, num=num, axis=axis, name=name))


def split(
    value: Any, num_or_size_splits: Any, axis: Any = 0, num: int | None = None, name: str = "split"
) -> list[Tensor]:
    """``value`` cut along ``axis`` into so many equal parts, or into parts of the given sizes."""
    x = convert(value)
    sizes = plain(num_or_size_splits)
    chosen = axes_of(axis)
    return list(builder(x).split_parts(x, sizes, axis=0 if chosen is None else chosen, name=name))


# --- picking -------------------------------------------------------------------------------------


def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """``size`` elements from ``begin`` along every axis; a size of -1 takes the rest."""
    x = convert(input_)
    return builder(x).slice_of(x, plain(begin), plain(size), name=name)


def strided_slice(
    input_: Any,
    begin: Any,
    end: Any,
    strides: Any = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    var: Any = None,
    name: str | None = None,
) -> Tensor:
    """``input_[begin:end:strides]`` along every axis; bit k of a mask concerns position k."""
    import builtins

    x = convert(input_)
    b = builder(x)
    starts, stops = sizes_of(b, begin), sizes_of(b, end)
    steps = sizes_of(b, strides) if strides is not None else (1,) * len(starts)
    key: list[Any] = []
    for k, (start, stop, step) in enumerate(zip(starts, stops, steps, strict=True)):
        bit = 1 << k
        if ellipsis_mask & bit:
            key.append(Ellipsis)
        elif new_axis_mask & bit:
            key.append(None)
        elif shrink_axis_mask & bit:
            key.append(start)
        else:
            first = None if begin_mask & bit else start
            last = None if end_mask & bit else stop
            key.append(builtins.slice(first, last, step))
    return b.subscript(x, tuple(key), name=name)


def gather(
    params: Any, indices: Any, validate_indices: Any = None, name: str | None = None, axis: int = 0
) -> Tensor:
    """``params`` at ``indices`` along ``axis``; an index out of range is an error when the graph
    runs.

    >>> rows = tf.gather(table, [2, 0])
    """
    x, index = convert(params), convert(indices)
    chosen = axes_of(axis)
    return builder(x, index).gather(x, index, axis=chosen, name=name)


def gather_nd(params: Any, indices: Any, name: str | None = None) -> Tensor:
    """``y[i] = params[indices[i, 0], indices[i, 1], ...]``."""
    x, index = convert(params), convert(indices)
    return builder(x, index).gather_nd(x, index, name=name)


def boolean_mask(
    tensor: Any, mask: Any, name: str = "boolean_mask", axis: int | None = None
) -> Tensor:
    """The elements (or rows) of ``tensor`` where ``mask`` is true; their number is known when it
    runs."""
    x, chosen = convert(tensor), convert(mask)
    return builder(x, chosen).boolean_mask(x, chosen, axis=axis or 0, name=name)


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """``x`` where ``condition`` is true, ``y`` elsewhere; without x and y, the positions that are
    true.

    A vector condition picks whole rows of matrices.
    """
    chosen = convert(condition)
    if (x is None) != (y is None):
        raise ValueError("where takes both x and y, or neither")
    if x is None:
        return builder(chosen).where_true(chosen, name=name)
    left, right = alike([x, y])
    b = builder(chosen, left, right)
    if chosen.type.rank == 1 and left.type.rank is not None and left.type.rank > 1:
        ones_after = (1,) * (left.type.rank - 1)
        chosen = b.reshape(chosen, shape=((chosen.type.shape or ())[0], *ones_after))
    return b.where(chosen, left, right, name=name)


def sequence_mask(
    lengths: Any, maxlen: Any = None, dtype: Any = "bool", name: str | None = None
) -> Tensor:
    """``y[..., j] = j < lengths[...]`` for j below ``maxlen``."""
    length = convert(lengths)
    b = builder(length)
    if maxlen is None:
        raise NotImplementedError("sequence_mask needs maxlen")
    steps = b.arange(0, size_of(b, maxlen), 1, dtype=length.dtype)
    mask = b.less(steps, b.expand_dims(length, axis=-1), name=name)
    wanted = as_dtype(dtype)
    return mask if wanted.is_bool else b.cast(mask, dtype=wanted)


def meshgrid(*args: Any, indexing: str = "xy") -> list[Tensor]:
    """Coordinate matrices of coordinate vectors."""
    vectors = alike(list(args))
    b = builder(*vectors)
    sizes = [(v.type.shape or (1,))[0] for v in vectors]
    order = list(_count(len(vectors)))
    if indexing == "xy" and len(order) > 1:
        order[0], order[1] = 1, 0
    shape = tuple(sizes[k] for k in order)
    grids = []
    for k, vector in enumerate(vectors):
        ones_around = tuple(sizes[k] if order[j] == k else 1 for j in _count(len(order)))
        grids.append(b.broadcast_to(b.reshape(vector, shape=ones_around), shape=shape))
    return grids
