"""Learning rates as functions of the global step; each is a scalar tensor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from frontends.tf.tensor import builder, convert
from graphc.ir.builder import Builder, as_tensor
from graphc.ir.dtype import float32
from graphc.ir.graph import Tensor


def _progress(
    learning_rate: Any, global_step: Any, decay_steps: Any, staircase: bool = False
) -> tuple[Builder, Tensor, Tensor]:
    """A builder, the rate as a tensor, and ``global_step / decay_steps`` in its dtype."""
    if global_step is None:
        raise ValueError("global_step must be given")
    rate = convert(learning_rate)
    if not rate.dtype.is_floating:
        rate = builder(rate).cast(rate, dtype=float32)
    b = builder(as_tensor(global_step), rate)
    step = b.cast(convert(global_step), dtype=rate.dtype)
    steps = as_tensor(decay_steps)
    divisor = float(decay_steps) if steps is None else b.cast(steps, dtype=rate.dtype)
    progress = b.truediv(step, divisor)
    return b, rate, b.floor(progress) if staircase else progress


def exponential_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool =
    False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """``learning_rate * decay_rate ** (global_step / decay_steps)``; ``staircase`` rounds the
    exponent down.

    >>> rate = tf.train.exponential_decay(0.1, global_step, 1000, 0.96)
    """
    b, rate, progress = _progress(learning_rate, global_step, decay_steps, staircase)
    return b.mul(
        rate, b.pow(convert(decay_rate, like=rate), progress), name=name or "ExponentialDecay"
    )


def natural_exp_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool =
    False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """``learning_rate * exp(-decay_rate * global_step / decay_steps)``."""
    b, rate, progress = _progress(learning_rate, global_step, decay_steps, staircase)
    exponent = b.neg(b.mul(progress, convert(decay_rate, like=rate)))
    return b.mul(rate, b.exp(exponent), name=name or "NaturalExpDecay")


def inverse_time_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool =
    False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """``learning_rate / (1 + decay_rate * global_step / decay_steps)``."""
    b, rate, progress = _progress(learning_rate, global_step, decay_steps, staircase)
    slower = b.add(b.mul(progress, convert(decay_rate, like=rate)), 1.0)
    return b.truediv(rate, slower, name=name or "InverseTimeDecay")


def polynomial_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, end_learning_rate: Any = 0.0001,
    power: Any = 1.0, cycle: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """From ``learning_rate`` to ``end_learning_rate`` as ``(1 - step / decay_steps) ** power``.

    ``cycle`` starts over with a longer span each time the end is reached.
    """
    b, rate, progress = _progress(learning_rate, global_step, decay_steps)
    if cycle:
        spans = b.maximum(b.ceil(progress), 1.0)
        progress = b.truediv(progress, spans)
    else:
        progress = b.minimum(progress, 1.0)
    end = convert(end_learning_rate, like=rate)
    left = b.pow(b.sub(1.0, progress), convert(power, like=rate))
    return b.add(b.mul(b.sub(rate, end), left), end, name=name or "PolynomialDecay")


def cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    alpha: float = 0.0,
    name: str | None = None,
) -> Tensor:
    """Half a cosine from ``learning_rate`` to ``alpha * learning_rate`` (Loshchilov and Hutter,
    2017)."""
    b, rate, progress = _progress(learning_rate, global_step, decay_steps)
    angle = b.mul(b.minimum(progress, 1.0), math.pi)
    half = b.mul(b.add(b.cos(angle), 1.0), 0.5 * (1.0 - alpha))
    return b.mul(rate, b.add(half, float(alpha)), name=name or "CosineDecay")


def piecewise_constant(
    x: Any, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None
) -> Tensor:
    """``values[0]`` up to and at ``boundaries[0]``, ``values[1]`` up to ``boundaries[1]``, and so
    on."""
    if len(values) != len(boundaries) + 1:
        raise ValueError(f"{len(boundaries)} boundaries need {len(boundaries) + 1} values")
    step = convert(x)
    b = builder(step)
    result = convert(values[-1])
    for boundary, value in reversed(list(zip(boundaries, values[:-1], strict=True))):
        before = b.less_equal(step, convert(boundary, like=step))
        result = b.where(before, convert(value, like=result), result)
    return b.identity(result, name=name or "PiecewiseConstant")
