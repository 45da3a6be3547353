"""Variants of Adam and of steps by signs: arithmetic as in :mod:`graphc.ops.learning.optimize`."""

from __future__ import annotations

from typing import Any

from graphc.ir.builder import composite
from graphc.ops.learning.optimize import held, kept, moved


def _mixed(b: Any, before: Any, now: Any, share: Any) -> Any:
    """``share * before + (1 - share) * now``."""
    return b.add(b.mul(before, share), b.mul(now, b.sub(1.0, share)))


@composite
def lazy_adam_update(
    b: Any, variable: Any, mean: Any, square: Any, gradient: Any, rate: Any,
    beta1: Any, beta2: Any, epsilon: Any, rows: Any,
) -> list:  # fmt: skip
    """Adam's update of these rows alone: no other row of the slots decays."""
    new_mean = _mixed(b, held(b, mean, rows), gradient, beta1)
    new_square = _mixed(b, held(b, square, rows), b.mul(gradient, gradient), beta2)
    step = b.truediv(b.mul(new_mean, rate), b.add(b.sqrt(new_square), epsilon))
    return [
        kept(b, mean, new_mean, rows),
        kept(b, square, new_square, rows),
        moved(b, variable, step, rows),
    ]


@composite
def nadam_update(
    b: Any, variable: Any, mean: Any, square: Any, gradient: Any, rate: Any,
    beta1: Any, beta2: Any, epsilon: Any, rows: Any = None,
) -> list:  # fmt: skip
    """Adam's update that steps by ``beta1 * m + (1 - beta1) * g`` in place of ``m``.

    Dozat, "Incorporating Nesterov momentum into Adam" (2016).  A gradient of rows moves these rows
    alone; every row of the slots decays.
    """
    new_mean = _mixed(b, held(b, mean, rows), gradient, beta1)
    new_square = _mixed(b, held(b, square, rows), b.mul(gradient, gradient), beta2)
    ahead = _mixed(b, new_mean, gradient, beta1)
    step = b.truediv(b.mul(ahead, rate), b.add(b.sqrt(new_square), epsilon))
    faded = []
    if rows is not None:
        faded = [b.assign(mean, b.mul(mean, beta1)), b.assign(square, b.mul(square, beta2))]
    return [
        *faded,
        kept(b, mean, new_mean, rows),
        kept(b, square, new_square, rows),
        moved(b, variable, step, rows),
    ]


@composite
def adamax_update(
    b: Any, variable: Any, mean: Any, largest: Any, gradient: Any, rate: Any,
    beta1: Any, beta2: Any, epsilon: Any, rows: Any = None,
) -> list:  # fmt: skip
    """``m = beta1*m + (1 - beta1)*g; u = max(beta2*u, |g|); variable -= rate * m / (u + eps)``.

    Section 7 of Kingma and Ba, "Adam" (2014); ``rate`` holds the correction.
    """
    new_mean = _mixed(b, held(b, mean, rows), gradient, beta1)
    new_largest = b.maximum(b.mul(held(b, largest, rows), beta2), b.abs(gradient))
    step = b.truediv(b.mul(new_mean, rate), b.add(new_largest, epsilon))
    return [
        kept(b, mean, new_mean, rows),
        kept(b, largest, new_largest, rows),
        moved(b, variable, step, rows),
    ]


@composite
def add_sign_update(
    b: Any, variable: Any, mean: Any, gradient: Any, rate: Any, alpha: Any, beta: Any, decay: Any,
    rows: Any = None,
) -> list:  # fmt: skip
    """``m = beta*m + (1 - beta)*g; variable -= rate * (alpha + decay*sign(g)*sign(m)) * g``.

    Bello et al., "Neural optimizer search with reinforcement learning" (2017).
    """
    new_mean = _mixed(b, held(b, mean, rows), gradient, beta)
    agreed = b.mul(b.mul(b.sign(gradient), b.sign(new_mean)), decay)
    step = b.mul(b.mul(b.add(agreed, alpha), gradient), rate)
    return [kept(b, mean, new_mean, rows), moved(b, variable, step, rows)]


@composite
def power_sign_update(
    b: Any, variable: Any, mean: Any, gradient: Any, rate: Any, log_base: Any, beta: Any,
    decay: Any, rows: Any = None,
) -> list:  # fmt: skip
    """As :func:`add_sign_update`, by ``exp(log_base * decay * sign(g) * sign(m))``."""
    new_mean = _mixed(b, held(b, mean, rows), gradient, beta)
    agreed = b.mul(b.mul(b.sign(gradient), b.sign(new_mean)), decay)
    step = b.mul(b.mul(b.exp(b.mul(agreed, log_base)), gradient), rate)
    return [kept(b, mean, new_mean, rows), moved(b, variable, step, rows)]
