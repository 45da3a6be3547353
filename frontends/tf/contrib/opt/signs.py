"""Steps that grow where the gradient agrees with its average in sign (Bello et al., "Neural
optimizer search with reinforcement learning", 2017)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from frontends.tf.graph.tensor import builder, convert
from frontends.tf.train.optimizer import Optimizer
from graphc.ir.builder import Builder, as_tensor
from graphc.ir.dtype import float32
from graphc.ir.graph import Node, Tensor

Decay = Callable[[Any], Tensor]


class _SignOptimizer(Optimizer):
    """What both share: the average, and how much agreement counts as training goes on."""

    def __init__(
        self, learning_rate: Any, beta: Any, sign_decay_fn: Decay | None, use_locking: bool,
        name: str,
    ) -> None:  # fmt: skip
        super().__init__(use_locking, name)
        self._lr, self._beta, self._sign_decay_fn = learning_rate, beta, sign_decay_fn
        self._sign_decay: Any = 1.0

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Any, Any]],
        global_step: Any = None,
        name: str | None = None,
    ) -> Node:
        if self._sign_decay_fn is not None:
            self._sign_decay = self._sign_decay_fn(global_step)
        return super().apply_gradients(grads_and_vars, global_step, name)

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._zeros_slot(var, "m", self._name)

    def _given(self, w: Tensor, own: Any) -> list[Tensor]:
        return [self._number(n, w) for n in (self._lr, own, self._beta, self._sign_decay)]


class AddSignOptimizer(_SignOptimizer):
    """``w -= learning_rate * (alpha + decay(global_step) * sign(g) * sign(m)) * g``.

    ``m`` is the average of the gradients; ``sign_decay_fn`` (None: 1) is a function of the global
    step such as :func:`get_linear_decay_fn` makes.
    """

    def __init__(
        self,
        learning_rate: Any = 0.1,
        alpha: Any = 1.0,
        beta: Any = 0.9,
        sign_decay_fn: Decay | None = None,
        use_locking: bool = False,
        name: str = "AddSignOptimizer",
    ) -> None:
        super().__init__(learning_rate, beta, sign_decay_fn, use_locking, name)
        self._alpha = alpha

    def _update(self, grad: Tensor, var: Any, rows: Tensor | None = None) -> list[Tensor]:
        w = as_tensor(var)
        return builder(w).add_sign_update(
            w, *self._slots_of(var, "m"), grad, *self._given(w, self._alpha), rows=rows
        )


class PowerSignOptimizer(_SignOptimizer):
    """``w -= learning_rate * base ** (decay(global_step) * sign(g) * sign(m)) * g``; as
    :class:`AddSignOptimizer` otherwise."""

    def __init__(
        self,
        learning_rate: Any = 0.1,
        base: float = math.e,
        beta: Any = 0.9,
        sign_decay_fn: Decay | None = None,
        use_locking: bool = False,
        name: str = "PowerSignOptimizer",
    ) -> None:
        super().__init__(learning_rate, beta, sign_decay_fn, use_locking, name)
        self._log_base = math.log(base)

    def _update(self, grad: Tensor, var: Any, rows: Tensor | None = None) -> list[Tensor]:
        w = as_tensor(var)
        return builder(w).power_sign_update(
            w, *self._slots_of(var, "m"), grad, *self._given(w, self._log_base), rows=rows
        )


def _step(global_step: Any) -> tuple[Builder, Tensor]:
    if global_step is None:
        raise ValueError("global_step is required for a sign decay")
    tensor = convert(global_step)
    b = builder(tensor)
    return b, b.cast(tensor, dtype=float32)


def get_linear_decay_fn(decay_steps: int) -> Decay:
    """The function of the global step that falls from 1 to 0 at ``decay_steps`` in a line."""

    def linear_decay(global_step: Any) -> Tensor:
        b, step = _step(global_step)
        return b.sub(1.0, b.truediv(b.minimum(step, float(decay_steps)), float(decay_steps)))

    return linear_decay


def get_cosine_decay_fn(
    decay_steps: int, num_periods: float = 0.5, zero_after: float | None = None
) -> Decay:
    """The function ``(1 + cos(2 pi num_periods step / decay_steps)) / 2``, and 0 once that many
    periods (``zero_after``) are over."""

    def cosine_decay(global_step: Any) -> Tensor:
        b, step = _step(global_step)
        done = b.truediv(b.minimum(step, float(decay_steps)), float(decay_steps))
        turns = b.mul(done, 2.0 * num_periods)
        height = b.mul(b.add(b.cos(b.mul(turns, math.pi)), 1.0), 0.5)
        return height if zero_after is None else _until(b, turns, 2 * zero_after, height)

    return cosine_decay


def get_restart_decay_fn(
    decay_steps: int, num_periods: int = 1, zero_after: float | None = None
) -> Decay:
    """The function that falls from 1 to 0 in half a cosine, ``num_periods`` times in
    ``decay_steps``; 0 once that many of them (``zero_after``) are over."""

    def restart_decay(global_step: Any) -> Tensor:
        b, step = _step(global_step)
        turns = b.mul(step, float(num_periods))
        part = b.truediv(b.floormod(turns, float(decay_steps)), float(decay_steps))
        height = b.mul(b.add(b.cos(b.mul(part, math.pi)), 1.0), 0.5)
        if zero_after is None:
            return height
        return _until(b, b.truediv(turns, float(decay_steps)), zero_after, height)

    return restart_decay


def _until(b: Builder, at: Tensor, end: float, value: Tensor) -> Tensor:
    return b.where(b.less(at, float(end)), value, 0.0)
