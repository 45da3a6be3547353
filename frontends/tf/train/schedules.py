"""Learning rates as functions of the global step; each is a scalar tensor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from frontends.tf.graph.tensor import builder, convert
from graphc.ir.builder import Builder, as_tensor
from graphc.ir.dtype import float32, int32, int64
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
    on.

    The boundaries have the dtype of ``x`` (int32 will do for int64), the values one dtype.
    """
    if len(values) != len(boundaries) + 1:
        raise ValueError(f"{len(boundaries)} boundaries need {len(boundaries) + 1} values")
    step = convert(x)
    b = builder(step)
    limits, heights = [convert(v) for v in boundaries], [convert(v) for v in values]
    for given, limit in zip(boundaries, limits, strict=True):
        if limit.dtype is not step.dtype and (limit.dtype, step.dtype) != (int32, int64):
            raise ValueError(f"boundary {given} is {limit.dtype}, x is {step.dtype}")
    for given, height in zip(values, heights, strict=True):
        if height.dtype is not heights[0].dtype:
            raise ValueError(f"value {given} is {height.dtype}, the first {heights[0].dtype}")
    result = heights[-1]
    for limit, height in reversed(list(zip(limits, heights[:-1], strict=True))):
        before = b.less_equal(step, b.cast(limit, dtype=step.dtype))
        result = b.where(before, height, result)
    return b.identity(result, name=name or "PiecewiseConstant")


def cosine_decay_restarts(
    learning_rate: Any, global_step: Any, first_decay_steps: Any, t_mul: Any = 2.0,
    m_mul: Any = 1.0, alpha: Any = 0.0, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Half a cosine again and again: each ``t_mul`` times as long as the last and from ``m_mul``
    times as high; never below ``alpha * learning_rate`` (Loshchilov and Hutter, 2017).

    >>> rate = tf.train.cosine_decay_restarts(0.1, global_step, 1000)
    """
    b, rate, progress = _progress(learning_rate, global_step, first_decay_steps)
    lowest = convert(alpha, like=rate)
    longer, higher = convert(t_mul, like=rate), convert(m_mul, like=rate)
    period, progress = _period(b, progress, longer, t_mul)
    half = b.mul(b.add(b.cos(b.mul(progress, math.pi)), 1.0), 0.5)
    height = b.mul(b.pow(higher, period), half)
    left = b.add(b.mul(b.sub(1.0, lowest), height), lowest)
    return b.mul(rate, left, name=name or "SGDRDecay")


def _period(b: Builder, progress: Tensor, longer: Tensor, given: Any) -> tuple[Tensor, Tensor]:
    """How many periods are over, and how much of this one; each is ``longer`` times the last."""
    number = isinstance(given, int | float)
    equal = b.floor(progress)
    if number and given == 1:
        return equal, b.sub(progress, equal)
    growth = longer if number else b.where(b.equal(longer, 1.0), b.tensor(2.0, like=longer), longer)
    grown = b.sub(growth, 1.0)
    period = b.floor(b.truediv(b.log(b.add(b.mul(progress, grown), 1.0)), b.log(growth)))
    scale = b.pow(growth, period)
    rest = b.truediv(b.sub(progress, b.truediv(b.sub(scale, 1.0), grown)), scale)
    if number:
        return period, rest
    same = b.equal(longer, 1.0)
    return b.where(same, equal, period), b.where(same, b.sub(progress, equal), rest)


def linear_cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, num_periods: Any = 0.5,
    alpha: Any = 0.0, beta: Any = 0.001, name: str | None = None,
) -> Tensor:  # fmt: skip
    """``learning_rate * ((alpha + linear) * cosine + beta)``: a line to zero at ``decay_steps``,
    times ``num_periods`` of a cosine (Bello et al., 2017)."""
    b, rate, done = _progress(learning_rate, global_step, decay_steps)
    done = b.minimum(done, 1.0)
    linear = b.sub(1.0, done)
    wave = _wave(b, done, linear, num_periods, alpha, beta)
    return b.mul(rate, wave, name=name or "LinearCosineDecay")


def noisy_linear_cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, initial_variance: Any = 1.0,
    variance_decay: Any = 0.55, num_periods: Any = 0.5, alpha: Any = 0.0, beta: Any = 0.001,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """As :func:`linear_cosine_decay`, with normal noise on the line, of variance
    ``initial_variance / (1 + step) ** variance_decay``."""
    from frontends.tf.functions.random import random_normal

    b, rate, done = _progress(learning_rate, global_step, decay_steps)
    done = b.minimum(done, 1.0)
    steps = b.mul(done, b.cast(convert(decay_steps), dtype=rate.dtype))
    falling = b.pow(b.add(steps, 1.0), convert(variance_decay, like=rate))
    deviation = b.sqrt(b.truediv(convert(initial_variance, like=rate), falling))
    noise = b.mul(random_normal([], dtype=rate.dtype), deviation)
    wave = _wave(b, done, b.add(b.sub(1.0, done), noise), num_periods, alpha, beta)
    return b.mul(rate, wave, name=name or "NoisyLinearCosineDecay")


def _wave(
    b: Builder, done: Tensor, linear: Tensor, num_periods: Any, alpha: Any, beta: Any
) -> Tensor:
    """``(alpha + linear) * (1 + cos(2 pi num_periods done)) / 2 + beta``."""
    periods = convert(num_periods, like=done)
    angle = b.mul(b.mul(b.mul(periods, done), 2.0), math.pi)
    cosine = b.mul(b.add(b.cos(angle), 1.0), 0.5)
    raised = b.add(linear, convert(alpha, like=done))
    return b.add(b.mul(raised, cosine), convert(beta, like=done))
