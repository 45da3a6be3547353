"""Means and variances with weights, and from sums: the relatives of ``tf.nn.moments``."""

from __future__ import annotations

from typing import Any

from frontends.tf.functions.math import _one_of, axes_of
from frontends.tf.graph.tensor import builder, convert
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim, product
from graphc.ir.graph import Tensor
from graphc.ops.reducing.reduction import resolve_axes


def weighted_moments(
    x: Any, axes: Any, frequency_weights: Any, name: str | None = None,
    keep_dims: bool | None = None, keepdims: bool | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """(mean, variance) of ``x`` over ``axes``, each element counted ``frequency_weights`` times.

    The weights broadcast to ``x``.
    """
    value = convert(x)
    keep = bool(_one_of(keepdims, keep_dims, "keepdims", "keep_dims"))
    b = builder(value)
    with b.home.name_scope(name or "weighted_moments"):
        wide = (
            value
            if value.dtype.computed is value.dtype
            else b.cast(value, dtype=value.dtype.computed)
        )
        weights = convert(frequency_weights)
        if weights.dtype is not wide.dtype:
            weights = b.cast(weights, dtype=wide.dtype)
        axis = axes_of(axes)
        spread = b.add(weights, b.zeros_like(wide))
        total = b.reduce_sum(spread, axis=axis, keepdims=True)
        share = b.realdiv(b.tensor(1, like=wide), total)
        mean = b.mul(b.reduce_sum(b.mul(weights, wide), axis=axis, keepdims=True), share)
        far = b.squared_difference(wide, b.stop_gradient(mean))
        variance = b.mul(b.reduce_sum(b.mul(weights, far), axis=axis, keepdims=True), share)
        results = [mean, variance]
        if not keep:
            dropped = resolve_axes(axis, value.type)
            results = [b.squeeze(t, axis=dropped) if dropped else t for t in results]
        if wide is not value:
            results = [b.cast(t, dtype=value.dtype) for t in results]
        return results[0], results[1]


def sufficient_statistics(
    x: Any, axes: Any, shift: Any = None, keep_dims: bool | None = None, name: str | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:  # fmt: skip
    """(number of elements, their sum, the sum of their squares, shift) of ``x`` over ``axes``.

    With ``shift``, of ``x - shift``.  :func:`normalize_moments` makes mean and variance of them.
    """
    value = convert(x)
    keep = bool(_one_of(keepdims, keep_dims, "keepdims", "keep_dims"))
    b = builder(value)
    axis = axes_of(axes)
    with b.home.name_scope(name or "sufficient_statistics"):
        count = b.dim_value(dim=_count(value, axis), dtype=value.dtype, name="count")
        moved, squares = value, None
        if shift is not None:
            shift = convert(shift, like=value)
            moved = b.sub(value, shift)
            squares = b.squared_difference(value, shift)
        squares = b.square(value) if squares is None else squares
        total = b.reduce_sum(moved, axis=axis, keepdims=keep, name="mean_ss")
        return count, total, b.reduce_sum(squares, axis=axis, keepdims=keep, name="var_ss"), shift


def _count(value: Tensor, axis: Any) -> Dim:
    return product(value.type.dims[k] for k in resolve_axes(axis, value.type))


def normalize_moments(
    counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """(mean, variance) from what :func:`sufficient_statistics` gives."""
    total = convert(mean_ss)
    b: Builder = builder(total)
    with b.home.name_scope(name or "normalize"):
        share = b.realdiv(b.tensor(1, like=total), convert(counts, like=total), name="divisor")
        shifted = b.mul(total, share, name="shifted_mean" if shift is not None else "mean")
        mean = (
            b.add(shifted, convert(shift, like=total), name="mean")
            if shift is not None
            else (shifted)
        )
        squares = b.mul(convert(variance_ss, like=total), share)
        return mean, b.sub(squares, b.square(shifted), name="variance")
