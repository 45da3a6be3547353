"""Shapes and elements: making arrays, reshaping, joining, slicing, picking."""

from __future__ import annotations

from typing import Any

import numpy as np

from frontends.tf.functions.math import _one_of, axes_of
from frontends.tf.graph.tensor import (
    builder,
    convert,
    known_rank,
    listed,
    plain,
    size_of,
    sizes_of,
    whole_number,
)
from frontends.tf.names.forwards import alike
from graphc.errors import AttributeValueError, DTypeError, ShapeError
from graphc.ir.builder import Builder, as_tensor
from graphc.ir.dtype import as_dtype, float32, int32, int64
from graphc.ir.graph import Tensor
from graphc.ir.shape_values import dims_of
from graphc.ir.source import here

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
    return builder(scalar).fill(plain(dims), scalar, name=name or "Fill")


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
    return getattr(b, op)(x, name=name or op)


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
    """``num`` numbers from ``start`` to ``stop``, both included, evenly spaced.

    start, stop: floating scalars.  The first and the last are exact.
    """
    first, last = alike([float(v) if isinstance(v, int) else v for v in (start, stop)])
    if not first.dtype.is_floating:
        raise DTypeError(
            f"start and stop must be floating, got {first.type}", subject="linspace", site=here()
        )
    b = builder(first, last)
    with b.home.name_scope(name or "LinSpace") as scope:
        count = size_of(b, num)
        if count == 1:
            return b.reshape(first, shape=(1,), name=scope)
        steps = b.axis_position(shape=(count,), axis=0, dtype=int32)
        spacing = b.truediv(b.sub(last, first), b.dim_value(dim=count - 1, dtype=first.dtype))
        inner = b.add(first, b.mul(b.cast(steps, dtype=first.dtype), spacing))
        at_end = b.equal(steps, b.dim_value(dim=count - 1, dtype=int32))
        if not isinstance(count, int):
            at_end = b.logical_and(at_end, b.greater(steps, b.tensor(0, dtype=int32)))
        return b.where(at_end, last, inner, name=scope)


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
    name = name or "one_hot"
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
    if hasattr(input, "is_sparse_tensor"):
        return builder(input.values).cast(input.dense_shape, dtype=as_dtype(out_type), name=name)
    x = convert(input)
    return builder(x).shape(x, dtype=as_dtype(out_type), name=name)


def size(input: Any, name: str | None = None, out_type: Any = int32) -> Tensor:
    """How many elements ``input`` has."""
    if hasattr(input, "is_sparse_tensor"):
        sizes = builder(input.values).cast(input.dense_shape, dtype=as_dtype(out_type))
        return builder(sizes).reduce_prod(sizes, axis=None, name=name)
    x = convert(input)
    return builder(x).size(x, dtype=as_dtype(out_type), name=name)


def shape_n(input: Any, out_type: Any = int32, name: str | None = None) -> list[Tensor]:
    """The shape of each of a list of tensors."""
    dtype = as_dtype(out_type)
    tensors = [convert(t) for t in listed(input, "input")]
    b = builder(*tensors)
    with b.home.name_scope(name or "ShapeN"):
        return [b.shape(t, dtype=dtype) for t in tensors]


def rank(input: Any, name: str | None = None) -> Tensor:
    """How many axes ``input`` has."""
    if hasattr(input, "is_sparse_tensor"):
        return builder(input.values).size(input.dense_shape, dtype=int32, name=name)
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
    """The axes of ``a`` in the order ``perm`` (default: reversed).

    ``conjugate`` changes complex numbers only.
    """
    x = convert(a)
    order, b = axes_of(perm), builder(x)
    if isinstance(order, int):
        order = (order,)
    if conjugate and x.dtype.is_complex:
        x = b.conj(x)
    return b.transpose(x, perm=order, name=name)


def guarantee_const(input: Any, name: str | None = None) -> Tensor:
    """``input``, which the caller promises not to change."""
    x = convert(input)
    return builder(x).identity(x, name=name or "GuaranteeConst")


def identity_n(input: Any, name: str | None = None) -> list[Tensor]:
    """Each of a list of tensors as it is."""
    tensors = [convert(t) for t in listed(input, "input")]
    b = builder(*tensors)
    with b.home.name_scope(name or "IdentityN"):
        return [b.identity(t) for t in tensors]


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """``x``, known to be of ``shape`` from here on; the run fails where it is not."""
    value = convert(x)
    same = builder(value).identity(value, name=name or "EnsureShape")
    same.set_shape(shape)
    return same


def _count(n: int) -> Any:
    import builtins

    return builtins.range(n)


def expand_dims(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """A new axis of size 1 at ``axis``."""
    x = convert(input)
    where_ = axes_of(_one_of(axis, dim, "axis", "dim"))
    if where_ in (None, ()):
        raise AttributeValueError("expand_dims needs axis", site=here())
    return builder(x).expand_dims(
        x, axis=where_ if isinstance(where_, int) else where_[0], name=name
    )


def squeeze(
    input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None
) -> Tensor:
    """``input`` without its axes of size 1: those in ``axis``, or all.

    All are those known to have size 1 while the graph is built: an axis of any size (None) stays,
    also in a run where its size is 1.  Of a tensor of unknown rank, each run's own go.
    """
    x = convert(input)
    axes = axes_of(_one_of(axis, squeeze_dims, "axis", "squeeze_dims"))
    if axes in (None, ()):
        shape = x.type.shape
        axes = None if shape is None else tuple(k for k, d in enumerate(shape) if d == 1)
    return builder(x).squeeze(x, axis=(axes,) if isinstance(axes, int) else axes, name=name)


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """``input`` repeated along its axes of size 1, and new ones at the front, to fill ``shape``."""
    x = convert(input)
    b = builder(x)
    return b.broadcast_to(x, shape=sizes_of(b, shape), name=name)


# --- joining and parting -------------------------------------------------------------------------


def concat(values: Any, axis: Any = None, name: str = "concat", concat_dim: Any = None) -> Tensor:
    """Tensors joined along an axis they already have.

    The order of TF 0.x, ``tf.concat(1, [a, b])``, is taken as well.

    >>> tf.concat([a, b], 1)                 # [n, 3] and [n, 4] -> [n, 7]
    """
    axis = _one_of(axis, concat_dim, "axis", "concat_dim")
    if _is_number(values) and isinstance(axis, list | tuple):
        values, axis = axis, values
    if axis is None or (as_tensor(values) is None and not isinstance(values, list | tuple)):
        raise TypeError("concat(values, axis): values is a list of tensors, axis an int")
    tensors = alike(list(values)) if isinstance(values, list | tuple) else [convert(values)]
    b = builder(*tensors)
    if len(tensors) == 1:
        return b.identity(tensors[0], name=name)
    return b.concat(*tensors, axis=axes_of(axis), name=name)


def stack(values: Any, axis: int = 0, name: str = "stack") -> Tensor:
    """Tensors of one shape joined along a new axis."""
    if as_tensor(values) is not None:
        values = unstack(values)
    parts = listed(values, "values")
    if all(isinstance(v, int | float | list | np.ndarray) for v in parts):
        whole = convert(parts)  # one dtype that holds all the literals
        parts = [convert(v, dtype=whole.dtype) for v in parts]
    tensors = alike(parts)
    if not tensors:
        raise ValueError("stack needs at least one tensor")
    return builder(*tensors).pack(*tensors, axis=axis, name=name)


def parallel_stack(values: Any, name: str = "parallel_stack") -> Tensor:
    """Tensors of one known shape joined along a new first axis."""
    return stack(values, 0, name)


def unstack(
    value: Any, num: int | None = None, axis: int = 0, name: str = "unstack"
) -> list[Tensor]:
    """The slices of ``value`` along ``axis``, without that axis."""
    x = convert(value)
    return list(builder(x).unstack(x, num=num, axis=axis, name=name))


def _is_number(value: Any) -> bool:
    """Whether a value is an int, or a tensor of one."""
    tensor = as_tensor(value)
    return hasattr(value, "__index__") if tensor is None else tensor.type.shape == ()


def split(
    value: Any, num_or_size_splits: Any = None, axis: Any = 0, num: int | None = None,
    name: str = "split", split_dim: Any = None, num_split: int | None = None,
) -> list[Tensor]:  # fmt: skip
    """``value`` cut along ``axis`` into so many equal parts, or into parts of the given sizes.

    The order of TF 0.x, ``tf.split(1, 3, value)``, is taken as well.
    """
    if _is_number(value) and not _is_number(axis):
        value, axis = axis, value
    axis = axis if split_dim is None else split_dim
    x = convert(value)
    sizes = plain(_one_of(num_or_size_splits, num_split, "num_or_size_splits", "num_split"))
    if sizes is None:
        raise TypeError("split needs num_or_size_splits, how many parts or which sizes")
    chosen = axes_of(axis)
    return list(builder(x).split_parts(x, sizes, axis=0 if chosen is None else chosen, name=name))


# --- picking -------------------------------------------------------------------------------------


def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """``size`` elements from ``begin`` along every axis; a size of -1 takes the rest."""
    x = convert(input_)
    b = builder(x)
    first, extent = plain(begin), plain(size)
    given = as_tensor(extent)
    if given is not None and dims_of(given) is None:
        rest = b.sub(b.shape(x, dtype=given.dtype), convert(first, given.dtype))
        extent = b.where(b.less(given, b.tensor(0, like=given)), rest, given)
    return b.slice_of(x, first, extent, name=name)


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
    starts, stops = _bounds_of(b, begin), _bounds_of(b, end)
    steps = sizes_of(b, strides) if strides is not None else (1,) * len(starts)
    if not len(starts) == len(stops) == len(steps):
        raise ShapeError(
            f"begin, end and strides differ in length: {len(starts)}, {len(stops)}, {len(steps)}",
            site=here(),
        )
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


def _bounds_of(b: Builder, bounds: Any) -> Any:
    """The entries of a vector of bounds; those only the run knows as scalar tensors."""
    tensor = as_tensor(bounds)
    if tensor is None and isinstance(bounds, list | tuple):
        return plain(bounds)
    if tensor is None or dims_of(tensor) is not None:
        return sizes_of(b, bounds)
    return unstack(tensor)


def gather(
    params: Any, indices: Any, validate_indices: Any = None, name: str | None = None,
    axis: Any = None, batch_dims: int = 0,
) -> Tensor:  # fmt: skip
    """``params`` at ``indices`` along ``axis`` (default: the first after the batch axes).

    An index out of range is an error when the graph runs.  The first ``batch_dims`` axes of both
    count batches: each takes from its own part of ``params``.

    >>> rows = tf.gather(table, [2, 0])
    """
    x, index = convert(params), convert(indices)
    b = builder(x, index)
    chosen, batch = axes_of(axis), whole_number(batch_dims, "batch_dims")
    if batch < 0:
        batch += known_rank(index, "gather")
    along = batch if chosen is None else chosen
    if batch:
        return b.batch_gather(x, index, axis=along, batch_dims=batch, name=name or "GatherV2")
    return b.gather(x, index, axis=along, name=name or "GatherV2")


def batch_gather(params: Any, indices: Any, name: str | None = None) -> Tensor:
    """``y[i..., j] = params[i..., indices[i..., j]]``: a gather per place of the first axes."""
    x, index = convert(params), convert(indices)
    batch = known_rank(index, "batch_gather") - 1
    return gather(x, index, name=name, axis=batch, batch_dims=batch)


def gather_nd(params: Any, indices: Any, name: str | None = None, batch_dims: int = 0) -> Tensor:
    """``y[i] = params[indices[i, 0], indices[i, 1], ...]``.

    indices: int [..., depth] -> [..., *params.shape[depth:]].  The first ``batch_dims`` axes of
    both count batches.
    """
    x, index = convert(params), convert(indices)
    b, batch = builder(x, index), whole_number(batch_dims, "batch_dims")
    if not batch:
        return b.gather_nd(x, index, name=name)
    with b.home.name_scope(name or "GatherNd") as scope:
        known_rank(index, "gather_nd with batch_dims")
        shape = (*index.type.dims[:-1], 1)
        columns = [b.axis_position(shape=shape, axis=k, dtype=index.dtype) for k in _count(batch)]
        return b.gather_nd(x, b.concat(*columns, index, axis=len(shape) - 1), name=scope)


def boolean_mask(
    tensor: Any, mask: Any, name: str = "boolean_mask", axis: int | None = None
) -> Tensor:
    """The elements (or rows) of ``tensor`` where ``mask`` is true; their number is known when it
    runs."""
    x, chosen = convert(tensor), convert(mask)
    b = builder(x, chosen)
    with b.home.name_scope(name):
        return b.boolean_mask(x, chosen, axis=axes_of(axis) or 0, name="GatherV2")


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """``x`` where ``condition`` is true, ``y`` elsewhere; without x and y, the positions that are
    true.

    x and y are of one shape; condition is of that shape, a scalar, or a vector that picks whole
    rows.  (``tf.where_v2`` broadcasts.)
    """
    chosen = convert(condition)
    if (x is None) != (y is None):
        raise ValueError("where takes both x and y, or neither")
    if x is None:
        if chosen.dtype.is_integer or chosen.dtype.is_floating:
            chosen = builder(chosen).not_equal(chosen, 0)
        return builder(chosen).where_true(chosen, name=name or "Where")
    left, right = alike([x, y])
    b = builder(chosen, left, right)
    _check_alike(chosen, left, right)
    if chosen.type.rank == 1 and left.type.rank is not None and left.type.rank > 1:
        ones_after = (1,) * (left.type.rank - 1)
        chosen = b.reshape(chosen, shape=((chosen.type.shape or ())[0], *ones_after))
    return b.where(chosen, left, right, name=name)


def _check_alike(condition: Tensor, x: Tensor, y: Tensor) -> None:
    """Refuse shapes that TF1 does not take, as far as they are known."""
    shape = x.type.shape
    whole = condition.type.shape
    fits = _may_equal(shape, y.type.shape)
    if whole is not None and shape is not None and whole != ():
        rows = len(whole) == 1 and len(shape) > 1
        fits = fits and _may_equal(whole, shape[:1] if rows else shape)
    if not fits:
        raise ShapeError(
            "x and y must be of one shape, condition of that, a scalar or a vector of rows",
            rows=[(n, str(t.type), "") for n, t in
                  (("condition", condition), ("x", x), ("y", y))],
            subject="where", site=here(), hint="tf.where_v2 broadcasts",
        )  # fmt: skip


def _may_equal(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return True
    known = zip(a, b, strict=False)
    return len(a) == len(b) and not any(
        isinstance(p, int) and isinstance(q, int) and p != q for p, q in known
    )


def sequence_mask(
    lengths: Any, maxlen: Any = None, dtype: Any = "bool", name: str | None = None
) -> Tensor:
    """``y[..., j] = j < lengths[...]`` for j below ``maxlen`` (default: the largest length).

    >>> tf.sequence_mask([1, 3], 4)          # [[True, False, False, False], ...]
    """
    length = convert(lengths)
    b = builder(length)
    with b.home.name_scope(name or "SequenceMask"):
        if length.dtype.is_floating:
            length = b.cast(length, dtype=int32)
        if maxlen is None:
            largest = b.reduce_max(b.cast(length, dtype=int64), axis=None)
            size = b.dim_argument(b.maximum(largest, b.tensor(0, dtype=int64)))
        else:
            size = size_of(b, maxlen)
        steps = b.axis_position(shape=(size,), axis=0, dtype=length.dtype)
        mask = b.less(steps, b.expand_dims(length, axis=-1))
        wanted = as_dtype(dtype)
        return mask if wanted.is_bool else b.cast(mask, dtype=wanted)


def meshgrid(*args: Any, indexing: str = "xy", name: str = "meshgrid") -> list[Tensor]:
    """Coordinate matrices of coordinate vectors.

    For vectors of m and n elements each is [n, m], or [m, n] with ``indexing="ij"``.
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing must be 'xy' or 'ij', got {indexing!r}")
    vectors = [convert(v) for v in args]
    b = builder(*vectors)
    with b.home.name_scope(name):
        flat = [b.reshape(v, shape=(v.type.elements,)) for v in vectors]
        sizes = [v.type.elements for v in vectors]
        order = list(_count(len(vectors)))
        if indexing == "xy" and len(order) > 1:
            order[0], order[1] = 1, 0
        shape = tuple(sizes[k] for k in order)
        grids = []
        for k, vector in enumerate(flat):
            ones_around = tuple(sizes[k] if axis == k else 1 for axis in order)
            grids.append(b.broadcast_to(b.reshape(vector, shape=ones_around), shape=shape))
        return grids


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Tensor:
    """The shape that tensors of shapes ``shape_x`` and ``shape_y`` broadcast to, as a vector.

    Shapes that do not broadcast are an error of the run (of the graph, where both are known).
    """
    x, y = alike([shape_x, shape_y])
    b = builder(x, y)
    left, right = sizes_of(b, x), sizes_of(b, y)
    both = b.add(*(b.broadcast_to(b.tensor(0, dtype=int32), shape=s) for s in (left, right)))
    return b.shape(both, dtype=x.dtype)
