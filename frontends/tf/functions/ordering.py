"""Order: the largest of each row, sorting, places in what is sorted."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from frontends.tf.functions.math import axes_of
from frontends.tf.graph.tensor import builder, convert, size_of
from frontends.tf.names.forwards import alike
from graphc.errors import AttributeValueError
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import as_dtype, int32
from graphc.ir.graph import Tensor
from graphc.ir.source import here

TopKV2 = namedtuple("TopKV2", "values indices")


def top_k(input: Any, k: Any = 1, sorted: bool = True, name: str | None = None) -> TopKV2:
    """The ``k`` largest elements along the last axis, largest first, and their int32 positions.

    Of equal elements the one with the lower index comes first; NaN stands above every number.
    ``sorted=False`` allows another order, and gets the same.

    >>> values, indices = tf.nn.top_k(scores, 5)
    """
    x = convert(input)
    b = builder(x)
    return TopKV2(*b.top_k(x, k=size_of(b, k), name=name or "TopKV2"))


def in_top_k(predictions: Any, targets: Any, k: Any, name: str | None = None) -> Tensor:
    """Whether the score of the class ``targets[i]`` is among the ``k`` largest of
    ``predictions[i]``.

    Classes that tie with it do not count against it.  False where a score is not finite or the
    target is no class.  float32[n, classes], int[n] -> bool[n].
    """
    scores, wanted = convert(predictions), convert(targets)
    number = convert(k, like=wanted) if as_tensor(k) is None else convert(k)
    return builder(scores, wanted).in_top_k(scores, wanted, number, name=name or "InTopKV2")


def _largest_first(direction: str) -> bool:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise AttributeValueError(
            f"direction must be 'ASCENDING' or 'DESCENDING', got {direction!r}", site=here()
        )
    return direction == "DESCENDING"


def sort(
    values: Any, axis: int = -1, direction: str = "ASCENDING", name: str | None = None
) -> Tensor:
    """``values`` in order along ``axis``.  NaN stands above every number."""
    x = convert(values)
    largest = _largest_first(direction)
    b = builder(x)
    return b.ordered(x, axis=axes_of(axis), largest=largest, name=name or "sort")[0]


def argsort(
    values: Any,
    axis: int = -1,
    direction: str = "ASCENDING",
    stable: bool = False,
    name: str | None = None,
) -> Tensor:
    """The int32 positions that put ``values`` in order along ``axis``; always stable.

    >>> order = tf.argsort(x)
    >>> tf.gather(x, order)                  # x, sorted
    """
    x = convert(values)
    largest = _largest_first(direction)
    b = builder(x)
    return b.ordered(x, axis=axes_of(axis), largest=largest, name=name or "argsort")[1]


def nth_element(input: Any, n: Any, reverse: bool = False, name: str | None = None) -> Tensor:
    """The ``n``-th smallest element along the last axis (``reverse``: largest), counted from 0."""
    x = convert(input)
    b = builder(x)
    return b.nth_element(x, n=size_of(b, n), reverse=reverse, name=name or "NthElement")


def searchsorted(
    sorted_sequence: Any,
    values: Any,
    side: str = "left",
    out_type: Any = int32,
    name: str | None = None,
) -> Tensor:
    """Where each of ``values`` would be inserted into its row of ``sorted_sequence`` to keep the
    order.

    ``side``: before elements equal to it ("left") or behind them ("right").  Both have the same
    leading axes.
    """
    if side not in ("left", "right"):
        raise AttributeValueError(f"side must be 'left' or 'right', got {side!r}", site=here())
    rows, wanted = alike([sorted_sequence, values])
    return builder(rows, wanted).search_sorted(
        rows, wanted, right=side == "right", dtype=as_dtype(out_type), name=name
    )
