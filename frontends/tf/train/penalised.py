"""Optimizers whose step ends where penalties on the weights say: l1 sets weights to zero, l2 draws
them there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frontends.tf.graph.tensor import builder
from frontends.tf.train.optimizer import Optimizer
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Tensor


class _Penalised(Optimizer):
    """What they share: the strengths of the penalties."""

    def __init__(self, learning_rate: Any, l1: Any, l2: Any, use_locking: bool, name: str) -> None:
        super().__init__(use_locking, name)
        self._learning_rate, self._l1, self._l2 = learning_rate, l1, l2

    def _rates(self, w: Tensor) -> tuple[Tensor, Tensor | None, Tensor]:
        """The learning rate, l1 (None: there is none) and l2, in ``w``'s dtype."""
        l1 = None if isinstance(self._l1, int | float) and not self._l1 else self._l1
        shrinkage = None if l1 is None else self._number(l1, w)
        return self._number(self._learning_rate, w), shrinkage, self._number(self._l2, w)


def _check_positive(**given: Any) -> None:
    for name, value in given.items():
        if isinstance(value, int | float) and value <= 0:
            raise ValueError(f"{name} must be positive: {value}")


def _check_not_negative(**given: Any) -> None:
    for name, value in given.items():
        if isinstance(value, int | float) and value < 0:
            raise ValueError(f"{name} {value:f} needs to be positive or zero")


class ProximalGradientDescentOptimizer(_Penalised):
    """A step of gradient descent, then l1 and l2 (Duchi and Singer, 2009)::

    p = w - learning_rate * g
    w = sign(p) * max(|p| - learning_rate * l1, 0) / (1 + learning_rate * l2)
    """

    def __init__(
        self,
        learning_rate: Any,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "ProximalGradientDescent",
    ) -> None:
        super().__init__(
            learning_rate, l1_regularization_strength, l2_regularization_strength, use_locking, name
        )

    def _update(self, grad: Tensor, var: Any, rows: Tensor | None = None) -> list[Tensor]:
        w = as_tensor(var)
        return builder(w).proximal_gradient_descent_update(w, grad, *self._rates(w), rows=rows)


class ProximalAdagradOptimizer(_Penalised):
    """A step of Adagrad, then l1 and l2: as :class:`ProximalGradientDescentOptimizer` with
    ``learning_rate / sqrt(a)`` for the rate, ``a += g * g``."""

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "ProximalAdagrad",
    ) -> None:
        _check_positive(initial_accumulator_value=initial_accumulator_value)
        super().__init__(
            learning_rate, l1_regularization_strength, l2_regularization_strength, use_locking, name
        )
        self._initial = initial_accumulator_value

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._slot(var, "accumulator", self._name, self._initial)

    def _update(self, grad: Tensor, var: Any, rows: Tensor | None = None) -> list[Tensor]:
        w = as_tensor(var)
        return builder(w).proximal_adagrad_update(
            w, *self._slots_of(var, "accumulator"), grad, *self._rates(w), rows=rows
        )


class AdagradDAOptimizer(_Penalised):
    """Adagrad by dual averaging: the weights follow from all gradients so far (Duchi, Hazan,
    Singer, 2011)::

        t += g;  s += g * g;  k = global_step + 1
        w = -learning_rate * sign(t) * max(|t| - l1 * k, 0) / (l2 * k * learning_rate + sqrt(s))

    ``global_step`` must be counted up by the training, for the penalties to grow with it.
    """

    def __init__(
        self,
        learning_rate: Any,
        global_step: Any,
        initial_gradient_squared_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "AdagradDA",
    ) -> None:
        initial = initial_gradient_squared_accumulator_value
        _check_positive(initial_gradient_squared_accumulator_value=initial)
        super().__init__(
            learning_rate, l1_regularization_strength, l2_regularization_strength, use_locking, name
        )
        self._global_step, self._initial = global_step, initial

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._zeros_slot(var, "gradient_accumulator", self._name)
            self._slot(var, "gradient_squared_accumulator", self._name, self._initial)

    def _update(self, grad: Tensor, var: Any, rows: Tensor | None = None) -> list[Tensor]:
        w = as_tensor(var)
        b = builder(w)
        total, squares = self._slots_of(var, "gradient_accumulator", "gradient_squared_accumulator")
        steps = b.add(self._number(self._global_step, w), 1.0)
        return b.adagrad_da_update(w, total, squares, grad, *self._rates(w), steps, rows=rows)


class FtrlOptimizer(_Penalised):
    """Follow the regularised leader (McMahan et al., 2013)::

        h = g + 2 * l2_shrinkage * w
        z += h - ((n + g * g)**-power - n**-power) / learning_rate * w
        n += g * g
        w = -sign(z) * max(|z| - l1, 0) / (n**-power / learning_rate + 2 * l2)

    ``beta`` adds ``beta / (2 * learning_rate)`` to l2.  A gradient of rows changes these rows.
    """

    def __init__(
        self,
        learning_rate: Any,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "Ftrl",
        accum_name: str | None = None,
        linear_name: str | None = None,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float | None = None,
    ) -> None:
        l1, l2 = l1_regularization_strength, l2_regularization_strength
        shrinkage = l2_shrinkage_regularization_strength
        _check_not_negative(
            initial_accumulator_value=initial_accumulator_value, l1_regularization_strength=l1,
            l2_regularization_strength=l2, l2_shrinkage_regularization_strength=shrinkage,
        )  # fmt: skip
        if learning_rate_power > 0:
            raise ValueError(
                f"learning_rate_power {learning_rate_power:f} needs to be negative or zero"
            )
        super().__init__(learning_rate, l1, l2, use_locking, name)
        self._power, self._initial, self._beta = (
            learning_rate_power,
            initial_accumulator_value,
            beta,
        )
        self._shrinkage = shrinkage
        self._names = accum_name or name, linear_name or name

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._slot(var, "accum", self._names[0], self._initial)
            self._zeros_slot(var, "linear", self._names[1])

    def _update(self, grad: Tensor, var: Any, rows: Tensor | None = None) -> list[Tensor]:
        w = as_tensor(var)
        b = builder(w)
        rate, l2 = self._number(self._learning_rate, w), self._number(self._l2, w)
        if self._beta:
            l2 = b.add(l2, b.truediv(self._number(self._beta, w), b.mul(rate, 2.0)))
        shrinkage = self._number(self._shrinkage, w) if self._shrinkage else None
        return b.ftrl_update(
            w, *self._slots_of(var, "accum", "linear"), grad, rate, self._number(self._l1, w), l2,
            shrinkage=shrinkage, power=self._power, rows=rows,
        )  # fmt: skip
