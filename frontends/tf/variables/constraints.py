"""``tf.keras.constraints``: what ``constraint=`` and ``kernel_constraint=`` take.

Each is a function of a variable's new value; it is applied after each update, in the same kernel
where it is element-wise.  The norms are over ``axis`` (0: of the incoming weights of each unit).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frontends.tf.functions.math import axes_of
from frontends.tf.graph.tensor import builder, convert
from graphc.ir.builder import Builder
from graphc.ir.graph import Tensor

EPSILON = 1e-7


class Constraint:
    """A projection of weights; a subclass says ``__call__(w)``."""

    def __call__(self, w: Any) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} says no __call__")

    def get_config(self) -> dict[str, Any]:
        """The arguments it was made with."""
        return dict(vars(self))


class MaxNorm(Constraint):
    """Weights scaled down to the norm ``max_value`` where theirs is larger (Srebro, Rennie,
    Jaakkola, 2005).

    >>> tf.layers.dense(x, 64, kernel_constraint=tf.keras.constraints.MaxNorm(3.0))
    """

    def __init__(self, max_value: float = 2, axis: int | Sequence[int] = 0) -> None:
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> Tensor:
        x, b, norms = _norms(w, self.axis)
        wanted = b.minimum(b.maximum(norms, 0.0), float(self.max_value))
        return b.mul(x, b.truediv(wanted, b.add(norms, EPSILON)))


class NonNeg(Constraint):
    """Weights at or above zero."""

    def __call__(self, w: Any) -> Tensor:
        x = convert(w)
        return builder(x).maximum(x, 0.0)


class UnitNorm(Constraint):
    """Weights scaled to norm 1."""

    def __init__(self, axis: int | Sequence[int] = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        x, b, norms = _norms(w, self.axis)
        return b.truediv(x, b.add(norms, EPSILON))


class MinMaxNorm(Constraint):
    """Weights drawn by the share ``rate`` to a norm from ``min_value`` to ``max_value``."""

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: int | Sequence[int] = 0,
    ) -> None:
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Any) -> Tensor:
        x, b, norms = _norms(w, self.axis)
        inside = b.minimum(b.maximum(norms, float(self.min_value)), float(self.max_value))
        wanted = b.add(b.mul(inside, float(self.rate)), b.mul(norms, 1.0 - self.rate))
        return b.mul(x, b.truediv(wanted, b.add(norms, EPSILON)))


max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm


def _norms(w: Any, axis: int | Sequence[int]) -> tuple[Tensor, Builder, Tensor]:
    """The weights, a builder, and their norms over ``axis``, which is kept."""
    x = convert(w)
    b = builder(x)
    return x, b, b.sqrt(b.reduce_sum(b.square(x), axis=axes_of(axis), keepdims=True))
