"""The optimizers: each says its slots; the arithmetic is in :mod:`graphc.ops.learning.optimize`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frontends.tf.graph.tensor import builder
from frontends.tf.train.optimizer import Optimizer
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Tensor


class GradientDescentOptimizer(Optimizer):
    """``w -= learning_rate * g``."""

    _is_linear = True

    def __init__(
        self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent"
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate

    def _update(self, grad: Tensor, var: Any, rows: Tensor | None = None) -> list[Tensor]:
        w = as_tensor(var)
        rate = self._number(self._learning_rate, w)
        return builder(w).gradient_descent_update(w, grad, rate, rows=rows)


class MomentumOptimizer(Optimizer):
    """``a = momentum * a + g;  w -= learning_rate * a``.

    With ``use_nesterov``: ``w -= learning_rate * (g + momentum * a)``.
    """

    def __init__(
        self, learning_rate: Any, momentum: Any, use_locking: bool = False, name: str = "Momentum",
        use_nesterov: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(use_locking, name)
        self._learning_rate, self._momentum, self._nesterov = learning_rate, momentum, use_nesterov

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._zeros_slot(var, "momentum", self._name)

    def _update(self, grad: Tensor, var: Any, rows: Tensor | None = None) -> list[Tensor]:
        w = as_tensor(var)
        return builder(w).momentum_update(
            w, as_tensor(self.get_slot(var, "momentum")), grad,
            self._number(self._learning_rate, w), self._number(self._momentum, w),
            nesterov=self._nesterov, rows=rows,
        )  # fmt: skip


class AdamOptimizer(Optimizer):
    """Adam, with both corrections in the step size::

        lr_t = learning_rate * sqrt(1 - beta2**t) / (1 - beta1**t)
        m = beta1 * m + (1 - beta1) * g;  v = beta2 * v + (1 - beta2) * g * g
        w -= lr_t * m / (sqrt(v) + epsilon)

    The powers of the betas are variables (``beta1_power``, ``beta2_power``), as in TF1.

    >>> train_op = tf.train.AdamOptimizer(1e-3).minimize(loss)
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-08,
        use_locking: bool = False,
        name: str = "Adam",
    ) -> None:
        super().__init__(use_locking, name)
        self._lr, self._beta1, self._beta2, self._epsilon = learning_rate, beta1, beta2, epsilon
        self._powers: tuple[Any, ...] = ()  # variables: beta1**t, beta2**t
        self._rates: dict[Any, Tensor] = {}

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        if not self._powers:
            first = min(var_list, key=lambda v: v.name)
            self._powers = (
                self._own_variable(self._beta1, "beta1_power", first.dtype),
                self._own_variable(self._beta2, "beta2_power", first.dtype),
            )
        for var in var_list:
            self._zeros_slot(var, "m", self._name)
            self._zeros_slot(var, "v", self._name)

    def _prepare(self) -> None:
        super()._prepare()
        self._rates = {}

    def _rate(self, w: Tensor) -> Tensor:
        """The corrected step size, made once for each dtype."""
        if w.dtype not in self._rates:
            self._rates[w.dtype] = self._corrected(w)
        return self._rates[w.dtype]

    def _corrected(self, w: Tensor) -> Tensor:
        powers = (self._number(power, w) for power in self._powers)
        return builder(w).adam_rate(self._number(self._lr, w), *powers)

    def _decays(self, w: Tensor) -> tuple[Tensor, ...]:
        """beta1, beta2 and epsilon."""
        return tuple(self._number(n, w) for n in (self._beta1, self._beta2, self._epsilon))

    def _update(self, grad: Tensor, var: Any, rows: Tensor | None = None) -> list[Tensor]:
        w = as_tensor(var)
        return builder(w).adam_update(
            w, *self._slots_of(var, "m", "v"), grad, self._rate(w), *self._decays(w), rows=rows
        )

    def _finish(self, update_ops: Sequence[Any], name_scope: str) -> Sequence[Any]:
        raised = []
        for power, beta in zip(self._powers, (self._beta1, self._beta2), strict=False):
            tensor = as_tensor(power)
            b = builder(tensor)
            raised.append(b.assign(tensor, b.mul(tensor, self._number(beta, tensor))))
        return [*update_ops, *raised]


class AdagradOptimizer(Optimizer):
    """``a += g * g;  w -= learning_rate * g / sqrt(a)``."""

    def __init__(
        self, learning_rate: Any, initial_accumulator_value: float = 0.1, use_locking: bool = False,
        name: str = "Adagrad",
    ) -> None:  # fmt: skip
        if initial_accumulator_value <= 0:
            raise ValueError(
                f"initial_accumulator_value must be positive: {initial_accumulator_value}"
            )
        super().__init__(use_locking, name)
        self._learning_rate, self._initial = learning_rate, initial_accumulator_value

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._slot(var, "accumulator", self._name, self._initial)

    def _update(self, grad: Tensor, var: Any, rows: Tensor | None = None) -> list[Tensor]:
        w = as_tensor(var)
        total = as_tensor(self.get_slot(var, "accumulator"))
        rate = self._number(self._learning_rate, w)
        return builder(w).adagrad_update(w, total, grad, rate, rows=rows)


class RMSPropOptimizer(Optimizer):
    """RMSProp, epsilon inside the root as in TF1::

        ms = decay * ms + (1 - decay) * g * g
        mom = momentum * mom + learning_rate * g / sqrt(ms + epsilon)
        w -= mom

    ``centered`` divides by the root of ``ms + epsilon - mg * mg``, the gradient's variance, where
    ``mg = decay * mg + (1 - decay) * g``.
    """

    def __init__(
        self,
        learning_rate: Any,
        decay: Any = 0.9,
        momentum: Any = 0.0,
        epsilon: Any = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        name: str = "RMSProp",
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate, self._decay, self._centered = learning_rate, decay, centered
        self._momentum, self._epsilon = momentum, epsilon

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._slot(var, "rms", self._name, 1.0)
            if self._centered:
                self._zeros_slot(var, "mg", self._name)
            self._zeros_slot(var, "momentum", self._name)

    def _update(self, grad: Tensor, var: Any, rows: Tensor | None = None) -> list[Tensor]:
        w = as_tensor(var)
        square, velocity = self._slots_of(var, "rms", "momentum")
        given = (self._learning_rate, self._decay, self._momentum, self._epsilon)
        numbers = [self._number(number, w) for number in given]
        if self._centered:
            (average,) = self._slots_of(var, "mg")
            return builder(w).centered_rms_prop_update(
                w, average, square, velocity, grad, *numbers, rows=rows
            )
        return builder(w).rms_prop_update(w, square, velocity, grad, *numbers, rows=rows)


class AdadeltaOptimizer(Optimizer):
    """Steps in the unit of the weights (Zeiler, 2012)::

    s = rho * s + (1 - rho) * g * g
    u = sqrt(d + epsilon) / sqrt(s + epsilon) * g
    d = rho * d + (1 - rho) * u * u
    w -= learning_rate * u
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.95,
        epsilon: Any = 1e-08,
        use_locking: bool = False,
        name: str = "Adadelta",
    ) -> None:
        super().__init__(use_locking, name)
        self._lr, self._rho, self._epsilon = learning_rate, rho, epsilon

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._zeros_slot(var, "accum", self._name)
            self._zeros_slot(var, "accum_update", self._name)

    def _update(self, grad: Tensor, var: Any, rows: Tensor | None = None) -> list[Tensor]:
        w = as_tensor(var)
        rate, rho, epsilon = (self._number(n, w) for n in (self._lr, self._rho, self._epsilon))
        return builder(w).adadelta_update(
            w, *self._slots_of(var, "accum", "accum_update"), grad, rate, rho, epsilon, rows=rows
        )
