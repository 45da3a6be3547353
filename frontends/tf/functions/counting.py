"""Counting what integers say: confusion matrices, histograms; and positions as coordinates."""

from __future__ import annotations

from typing import Any

from frontends.tf.graph.tensor import builder, convert, size_of, sizes_of
from frontends.tf.names.forwards import alike
from graphc.errors import DTypeError
from graphc.ir import dims
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.dtype import as_dtype, int32, int64
from graphc.ir.graph import Tensor
from graphc.ir.source import here
from graphc.ops.shaping.shape import minimum


def confusion_matrix(
    labels: Any, predictions: Any, num_classes: Any = None, dtype: Any = int32,
    name: str | None = None, weights: Any = None,
) -> Tensor:  # fmt: skip
    """How often (or with which ``weights``) label i was predicted as j: [num_classes, num_classes].

    labels, predictions: int vectors.  Without ``num_classes`` the largest of them says it.  A class
    below 0 or not below ``num_classes`` is an error of the run.
    """
    truth, guess = _squeezed(convert(labels), convert(predictions))
    b = builder(truth, guess)
    with b.home.name_scope(name or "confusion_matrix"):
        pair = [b.cast(_vector(b, t), dtype=int64) for t in (truth, guess)]
        if num_classes is None:
            count = _beyond(b, *pair)
        else:
            count = size_of(b, num_classes)
        wanted = as_dtype(dtype)
        if weights is None:
            values = b.broadcast_to(b.tensor(1, dtype=wanted), shape=pair[0].type.shape)
        else:
            values = b.cast(_vector(b, convert(weights)), dtype=wanted)
        positions = b.pack(*pair, axis=1)
        with b.home.name_scope("ScatterNd") as scope:
            return b.scatter_nd(positions, values, (count, count), name=scope)


def _vector(b: Builder, x: Tensor) -> Tensor:
    """What has to be a vector, and of which no rank is known, as one."""
    return b.dynamic_reshape(x, (-1,)) if x.type.shape is None else x


def _squeezed(labels: Tensor, predictions: Tensor) -> tuple[Tensor, Tensor]:
    """Both as vectors of classes, where one has an axis of size 1 more."""
    b = builder(labels, predictions)
    ranks = (labels.type.rank, predictions.type.rank)
    if None not in ranks and ranks[0] != ranks[1]:
        if ranks[0] > ranks[1]:  # type: ignore[operator]
            labels = b.squeeze(labels, axis=(-1,))
        else:
            predictions = b.squeeze(predictions, axis=(-1,))
    return labels, predictions


def _beyond(b: Builder, *values: Tensor) -> Dim:
    """One more than the largest of some integers, 0 where there are none."""
    largest = b.tensor(-1, dtype=int64)
    for value in values:
        largest = b.maximum(largest, b.cast(b.reduce_max(value, axis=None), dtype=int64))
    return b.dim_argument(b.add(largest, b.tensor(1, dtype=int64)))


def bincount(
    arr: Any, weights: Any = None, minlength: Any = None, maxlength: Any = None, dtype: Any = int32,
) -> Tensor:  # fmt: skip
    """``y[v]``: how often v is in ``arr``, or the sum of its ``weights``, for v up to the largest.

    The result has at least ``minlength`` elements; numbers from ``maxlength`` on are left out.
    A negative number is an error of the run.
    """
    given = convert(arr)
    if not given.dtype.is_integer:
        raise DTypeError(f"bincount counts integers, got {given.type}", site=here())
    b = builder(given)
    with b.home.name_scope("bincount"):
        if weights is None:
            given = _vector(b, given)
        index = b.check_range(given, bound=given.dtype.max, what="arr")
        size = _beyond(b, given)
        if minlength is not None:
            size = dims.maximum(size, size_of(b, minlength))
        if maxlength is not None:
            size = minimum(size, size_of(b, maxlength))
            inside = b.less(index, b.dim_value(dim=size, dtype=index.dtype))
            index = b.where(inside, index, b.tensor(-1, like=index))
        if weights is None:
            one = b.tensor(1, dtype=as_dtype(dtype))
            values = b.broadcast_to(one, shape=given.type.shape)
        else:
            values = convert(weights)
        return b.unsorted_segment_sum(values, index, num_segments=size)


def histogram_fixed_width_bins(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = int32, name: str | None = None
) -> Tensor:
    """The number of the bin each value falls into, of ``nbins`` equal ones over ``value_range``.

    Values below or above the range fall into the first or last bin.
    """
    x = convert(values)
    b = builder(x)
    with b.home.name_scope(name or "histogram_fixed_width_bins"):
        return b.cast(_bins(b, x, value_range, size_of(b, nbins)), dtype=as_dtype(dtype))


def _bins(b: Builder, x: Tensor, value_range: Any, nbins: Dim) -> Tensor:
    bounds = convert(value_range, like=x)
    low, high = b.unstack(bounds, num=2, axis=0)
    if x.dtype.is_integer:
        from graphc.ir.dtype import float64

        x, low, high = (b.cast(t, dtype=float64) for t in (x, low, high))
    share = b.truediv(b.sub(x, low), b.sub(high, low))
    place = b.floor(b.mul(share, b.dim_value(dim=nbins, dtype=x.dtype)))
    last = b.dim_value(dim=nbins - 1, dtype=x.dtype)
    inside = b.minimum(b.maximum(place, b.tensor(0, like=place)), last)
    return b.cast(inside, dtype=int32)


def histogram_fixed_width(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = int32, name: str | None = None
) -> Tensor:
    """How many values fall into each of ``nbins`` equal bins over ``value_range``: [nbins].

    Values below or above the range count in the first or last bin.
    """
    x = convert(values)
    b = builder(x)
    with b.home.name_scope(name or "histogram_fixed_width") as scope:
        count = size_of(b, nbins)
        bins = _vector(b, _bins(b, x, value_range, count))
        ones = b.broadcast_to(b.tensor(1, dtype=as_dtype(dtype)), shape=bins.type.shape)
        return b.unsorted_segment_sum(ones, bins, num_segments=count, name=scope)


def unravel_index(indices: Any, dims: Any, name: str | None = None) -> Tensor:
    """The coordinates in a tensor of shape ``dims`` of row-major positions, one row per axis.

    >>> tf.unravel_index([2, 5, 7], [3, 3])  # [[0, 1, 2], [2, 2, 1]]
    """
    from graphc.ir.dims import product

    index, _ = alike([indices, dims])
    b = builder(index)
    with b.home.name_scope(name or "UnravelIndex") as scope:
        sizes = sizes_of(b, dims)
        rest = b.check_range(index, bound=product(sizes))
        rows = []
        for size in reversed(sizes):
            n = b.dim_value(dim=size, dtype=index.dtype)
            rows.append(b.floormod(rest, n))
            rest = b.floordiv(rest, n)
        return b.pack(*reversed(rows), axis=0, name=scope)


def invert_permutation(x: Any, name: str | None = None) -> Tensor:
    """``y[x[i]] = i`` for a vector that holds each of 0 .. n - 1 once (else the run fails)."""
    value = convert(x)
    return builder(value).invert_permutation(value, name=name)
