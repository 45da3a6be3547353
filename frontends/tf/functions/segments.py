"""Folding rows by segment: ``tf.segment_*``, ``tf.unsorted_segment_*``, ``tf.sparse_segment_*``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontends.tf.graph.tensor import builder, convert, size_of
from graphc.ir.graph import Tensor

_NONE = {
    "sum": "0", "mean": "0", "prod": "1", "max": "0", "min": "0", "sqrt_n": "0",
}  # fmt: skip
_TITLES = {
    "sum": "Sum", "mean": "Mean", "prod": "Prod", "max": "Max", "min": "Min", "sqrt_n": "SqrtN",
}  # fmt: skip
_WORDS = {
    "sum": "The sum", "mean": "The mean", "prod": "The product", "max": "The largest",
    "min": "The smallest", "sqrt_n": "The sum, divided by the root of their number,",
}  # fmt: skip


def _sorted(fold: str) -> Callable[..., Tensor]:
    def segment(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
        x, ids = convert(data), convert(segment_ids)
        b = builder(x, ids)
        with b.home.name_scope(name or f"Segment{_TITLES[fold]}") as scope:
            return b.sorted_segments(fold, x, ids, name=scope)

    segment.__name__ = segment.__qualname__ = f"segment_{fold}"
    segment.__doc__ = (
        f"{_WORDS[fold]} of the rows of each segment: ``y[s]`` is of the ``data[i]`` whose "
        "``segment_ids[i]`` is s.\n\n"
        "segment_ids: an int vector that ascends from 0, an id per row of data; the last id says "
        f"how many\nsegments there are.  One without rows is {_NONE[fold]}."
    )
    return segment


def _unsorted(fold: str) -> Callable[..., Tensor]:
    def segment(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
        x, ids = convert(data), convert(segment_ids)
        b = builder(x, ids)
        with b.home.name_scope(name or f"UnsortedSegment{_TITLES[fold]}") as scope:
            return b.unsorted_segments(fold, x, ids, size_of(b, num_segments), name=scope)

    none = {"max": "the lowest number", "min": "the highest number"}.get(fold, _NONE[fold])
    segment.__name__ = segment.__qualname__ = f"unsorted_segment_{fold}"
    segment.__doc__ = (
        f"{_WORDS[fold]} of the rows of each of ``num_segments`` segments.\n\n"
        "segment_ids: ints in the shape of the first axes of data, in any order; a negative one "
        f"drops its row,\none too large is an error.  A segment without rows is {none}."
    )
    return segment


def _sparse(fold: str) -> Callable[..., Tensor]:
    def segment(
        data: Any, indices: Any, segment_ids: Any, name: str | None = None,
        num_segments: Any = None,
    ) -> Tensor:  # fmt: skip
        x, rows, ids = convert(data), convert(indices), convert(segment_ids)
        b = builder(x, rows, ids)
        with b.home.name_scope(name or f"SparseSegment{_TITLES[fold]}") as scope:
            picked = b.gather(x, rows, axis=0)
            if num_segments is None:
                return b.sorted_segments(fold, picked, ids, name=scope)
            count = size_of(b, num_segments)
            return b.unsorted_segments(fold, picked, b.check_sorted(ids), count, name=scope)

    segment.__name__ = segment.__qualname__ = f"sparse_segment_{fold}"
    segment.__doc__ = (
        f"{_WORDS[fold]} of the rows ``data[indices[i]]`` of each segment; as "
        f"``tf.segment_{fold}`` of ``tf.gather(data, indices)``.\n\n"
        "With ``num_segments`` the result has that many rows."
    )
    return segment


segment_sum = _sorted("sum")
segment_mean = _sorted("mean")
segment_prod = _sorted("prod")
segment_max = _sorted("max")
segment_min = _sorted("min")
unsorted_segment_sum = _unsorted("sum")
unsorted_segment_mean = _unsorted("mean")
unsorted_segment_prod = _unsorted("prod")
unsorted_segment_max = _unsorted("max")
unsorted_segment_min = _unsorted("min")
unsorted_segment_sqrt_n = _unsorted("sqrt_n")
sparse_segment_sum = _sparse("sum")
sparse_segment_mean = _sparse("mean")
sparse_segment_sqrt_n = _sparse("sqrt_n")
