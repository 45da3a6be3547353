"""Distinct elements, parts chosen by number, and putting parts together again."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

from frontends.tf.graph.tensor import builder, convert, listed, whole_number
from frontends.tf.names.forwards import alike
from graphc.ir.dtype import as_dtype, int32
from graphc.ir.graph import Tensor

Unique = namedtuple("Unique", "y idx")
UniqueWithCounts = namedtuple("UniqueWithCounts", "y idx count")
ListDiff = namedtuple("ListDiff", "out idx")


def unique(x: Any, out_idx: Any = int32, name: str | None = None) -> Unique:
    """The distinct elements of a vector in the order they first appear, and each element's
    number: ``y[idx] == x``.

    How many there are is known when the graph runs.
    """
    vector = convert(x)
    return Unique(*builder(vector).distinct(vector, dtype=as_dtype(out_idx), name=name or "Unique"))


def unique_with_counts(x: Any, out_idx: Any = int32, name: str | None = None) -> UniqueWithCounts:
    """As :func:`unique`, and how often each element appears."""
    vector = convert(x)
    made = builder(vector).distinct(
        vector, counted=True, dtype=as_dtype(out_idx), name=name or "UniqueWithCounts"
    )
    return UniqueWithCounts(*made)


def setdiff1d(x: Any, y: Any, index_dtype: Any = int32, name: str | None = None) -> ListDiff:
    """The elements of the vector ``x`` that are not in ``y``, and where they stand in ``x``."""
    left, right = alike([x, y])
    b = builder(left, right)
    made = b.difference_of(left, right, dtype=as_dtype(index_dtype), name=name or "ListDiff")
    return ListDiff(*made)


def dynamic_partition(
    data: Any, partitions: Any, num_partitions: int, name: str | None = None
) -> list[Tensor]:
    """``num_partitions`` tensors: row ``i`` of ``data`` goes to number ``partitions[i]``.

    ``partitions`` (int32) has the leading axes of ``data``; a number outside
    ``[0, num_partitions)`` is an error when the graph runs.
    """
    rows, numbers = convert(data), convert(partitions)
    b = builder(rows, numbers)
    count = whole_number(num_partitions, "num_partitions")
    made = b.partitioned(rows, numbers, count, name=name or "DynamicPartition")
    return list(made)


def dynamic_stitch(indices: Sequence[Any], data: Sequence[Any], name: str | None = None) -> Tensor:
    """``y[indices[k][i]] = data[k][i]``; where two name one row, the later one stands.

    Rows nobody names hold zeros.  ``indices`` (int32) and ``data`` are lists of equal length.

    >>> parts = tf.dynamic_partition(tf.range(tf.size(m)), m, 2)
    >>> tf.dynamic_stitch(parts, tf.dynamic_partition(x, m, 2))   # x
    """
    places = [convert(i, "int32") for i in indices]
    rows = alike(listed(data, "data"))
    b = builder(*places, *rows)
    return b.stitched(places, rows, name=name or "DynamicStitch")


def parallel_dynamic_stitch(
    indices: Sequence[Any], data: Sequence[Any], name: str | None = None
) -> Tensor:
    """The same as :func:`dynamic_stitch`."""
    return dynamic_stitch(indices, data, name or "ParallelDynamicStitch")
