"""Norms of vectors and matrices."""

from __future__ import annotations

import math
from typing import Any

from frontends.tf.functions.math import _one_of, axes_of
from frontends.tf.graph.tensor import builder, convert
from graphc.errors import AttributeValueError
from graphc.ir.builder import Builder
from graphc.ir.graph import Tensor
from graphc.ir.source import here

_NAMED = ("euclidean", "fro")


def norm(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool | None = None,
    name: str | None = None, keep_dims: bool | None = None,
) -> Tensor:  # fmt: skip
    """The norm over ``axis``: of vectors for an int (or None: of all elements as one vector), of
    matrices for a pair of ints.

    ``ord``: "euclidean" (the root of the sum of squares), any positive number p, or infinity; of
    matrices also "fro" (the same as euclidean), 1 (the largest column sum), infinity (the largest
    row sum) and 2 (the largest singular value).  Of complex numbers the euclidean norm is complex,
    as in TF1, with no imaginary part; the others are real.

    >>> tf.norm([3.0, 4.0])                  # 5.0
    """
    x = convert(tensor)
    b, axes = builder(x), axes_of(axis)
    keep = bool(_one_of(keepdims, keep_dims, "keepdims", "keep_dims"))
    pair = isinstance(axes, tuple) and len(axes) == 2
    _check(ord, axes, pair)
    with b.home.name_scope(name or "norm"):
        size = b.abs(x)
        if ord in _NAMED or (ord == 2 and not pair):
            squares = b.mul(x, b.conj(x)) if x.dtype.is_complex else b.square(size)
            return b.sqrt(b.reduce_sum(squares, axis=axes, keepdims=keep))
        if pair:
            return _of_matrices(b, x, size, ord, axes, keep)
        if ord == math.inf:
            return b.reduce_max(size, axis=axes, keepdims=keep)
        if ord == 1:
            return b.reduce_sum(size, axis=axes, keepdims=keep)
        power = b.pow(size, b.tensor(ord, like=size))
        total = b.reduce_sum(power, axis=axes, keepdims=keep)
        return b.pow(total, b.tensor(1.0 / ord, like=size))


def reduce_euclidean_norm(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The root of the sum of squares over ``axis`` (None: over all)."""
    x = convert(input_tensor)
    b = builder(x)
    with b.home.name_scope(name or "EuclideanNorm") as scope:
        squares = b.mul(x, b.conj(x)) if x.dtype.is_complex else b.square(x)
        return b.sqrt(b.reduce_sum(squares, axis=axes_of(axis), keepdims=keepdims), name=scope)


def _check(ord: Any, axes: Any, pair: bool) -> None:
    fact = None
    if isinstance(axes, tuple) and (len(axes) not in (1, 2) or len(set(axes)) < len(axes)):
        fact = f"axis must be None, an int, or a pair of different ints, got {axes}"
    elif isinstance(ord, str) and ord not in _NAMED:
        fact = f"ord must be 'euclidean', 'fro' or a number, got {ord!r}"
    elif ord == "fro" and not pair:
        fact = "'fro' is a norm of matrices: give a pair of axes"
    elif not isinstance(ord, str) and pair and ord not in (1, 2, math.inf):
        fact = f"of matrices, ord must be 'euclidean', 'fro', 1, 2 or infinity, got {ord!r}"
    elif not isinstance(ord, str) and not ord > 0:
        fact = f"ord must be positive, got {ord!r}"
    if fact is not None:
        raise AttributeValueError(fact, subject="norm", site=here())


def _of_matrices(b: Builder, x: Tensor, size: Tensor, ord: Any, axes: Any, keep: bool) -> Tensor:
    rank = len(x.type.dims)
    row, column = (a + rank if a < 0 else a for a in axes)
    if ord == 2:
        from frontends.tf import svd

        order = (*(k for k in range(rank) if k not in (row, column)), row, column)
        values = svd(b.transpose(x, perm=order), compute_uv=False)
        largest = b.reduce_max(values, axis=(-1,))
        if not keep:
            return largest
        for k in sorted((row, column)):
            largest = b.expand_dims(largest, axis=k)
        return largest
    summed, other = (row, column) if ord == 1 else (column, row)
    sums = b.reduce_sum(size, axis=(summed,), keepdims=True)
    largest = b.reduce_max(sums, axis=(other,), keepdims=True)
    return largest if keep else b.squeeze(largest, axis=(row, column))
