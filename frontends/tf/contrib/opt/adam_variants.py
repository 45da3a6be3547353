"""Variants of Adam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frontends.tf.graph.tensor import builder
from frontends.tf.train.optimizers import AdamOptimizer
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Tensor


class LazyAdamOptimizer(AdamOptimizer):
    """Adam that leaves the rows a gradient of rows does not name as they are, slots included; much
    less work where tables are large."""

    def _update(self, grad: Tensor, var: Any, rows: Tensor | None = None) -> list[Tensor]:
        if rows is None:
            return super()._update(grad, var)
        w = as_tensor(var)
        return builder(w).lazy_adam_update(
            w, *self._slots_of(var, "m", "v"), grad, self._rate(w), *self._decays(w), rows
        )


class NadamOptimizer(AdamOptimizer):
    """Adam with Nesterov's momentum: the step follows ``beta1 * m + (1 - beta1) * g`` (Dozat,
    2016)."""

    def _update(self, grad: Tensor, var: Any, rows: Tensor | None = None) -> list[Tensor]:
        w = as_tensor(var)
        return builder(w).nadam_update(
            w, *self._slots_of(var, "m", "v"), grad, self._rate(w), *self._decays(w), rows=rows
        )


class AdaMaxOptimizer(AdamOptimizer):
    """Adam by the infinity norm (Kingma and Ba, 2014, section 7)::

    m = beta1 * m + (1 - beta1) * g;  u = max(beta2 * u, |g|)
    w -= learning_rate / (1 - beta1**t) * m / (u + epsilon)
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "AdaMax",
    ) -> None:
        super().__init__(learning_rate, beta1, beta2, epsilon, use_locking, name)

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        if not self._powers:
            first = min(var_list, key=lambda v: v.name)
            self._powers = (self._own_variable(self._beta1, "beta1_power", first.dtype),)
        for var in var_list:
            self._zeros_slot(var, "m", self._name)
            self._zeros_slot(var, "v", self._name)

    def _corrected(self, w: Tensor) -> Tensor:
        b = builder(w)
        left = b.sub(1.0, self._number(self._powers[0], w))
        return b.truediv(self._number(self._lr, w), left)

    def _update(self, grad: Tensor, var: Any, rows: Tensor | None = None) -> list[Tensor]:
        w = as_tensor(var)
        return builder(w).adamax_update(
            w, *self._slots_of(var, "m", "v"), grad, self._rate(w), *self._decays(w), rows=rows
        )
