"""The arithmetic of optimizers: elementwise ops that end in assigns on the same elements.

Fusion makes one in-place kernel of an update, and one launch of the updates of all parameters.
Each function returns the writes; what reads a slot variable sees its value before the run.
"""

from __future__ import annotations

from typing import Any

from graphc.ir.builder import composite


def _rest(b: Any, share: Any) -> Any:
    """``1 - share``."""
    return 1.0 - share if isinstance(share, int | float) else b.sub(1.0, share)


@composite
def gradient_descent_update(b: Any, variable: Any, gradient: Any, rate: Any) -> list:
    """``variable -= rate * gradient``."""
    return [b.assign_sub(variable, b.mul(gradient, rate))]


@composite
def momentum_update(
    b: Any, variable: Any, velocity: Any, gradient: Any, rate: Any, momentum: Any,
    nesterov: bool = False,
) -> list:  # fmt: skip
    """``velocity = momentum * velocity + gradient; variable -= rate * velocity``.

    Nesterov's form steps by ``rate * (gradient + momentum * velocity)`` instead: Sutskever et al.,
    "On the importance of initialization and momentum in deep learning" (2013).
    """
    moved = b.add(b.mul(velocity, momentum), gradient)
    step = b.add(gradient, b.mul(moved, momentum)) if nesterov else moved
    return [b.assign(velocity, moved), b.assign_sub(variable, b.mul(step, rate))]


@composite
def adam_rate(b: Any, rate: Any, beta1_power: Any, beta2_power: Any) -> Any:
    """``rate * sqrt(1 - beta2**t) / (1 - beta1**t)``: one number for all parameters."""
    return b.truediv(b.mul(rate, b.sqrt(b.sub(1.0, beta2_power))), b.sub(1.0, beta1_power))


@composite
def adam_update(
    b: Any, variable: Any, mean: Any, square: Any, gradient: Any, rate: Any,
    beta1: Any, beta2: Any, epsilon: Any,
) -> list:  # fmt: skip
    """``m += (g - m)(1 - beta1); v += (g*g - v)(1 - beta2); variable -= rate * m / (sqrt(v)+eps)``.

    Kingma and Ba, "Adam" (2014), in the form whose ``rate`` (:func:`adam_rate`) holds both
    corrections.
    """
    new_mean = b.add(mean, b.mul(b.sub(gradient, mean), _rest(b, beta1)))
    spread = b.sub(b.mul(gradient, gradient), square)
    new_square = b.add(square, b.mul(spread, _rest(b, beta2)))
    step = b.truediv(b.mul(new_mean, rate), b.add(b.sqrt(new_square), epsilon))
    return [
        b.assign(mean, new_mean),
        b.assign(square, new_square),
        b.assign_sub(variable, step),
    ]


@composite
def adagrad_update(b: Any, variable: Any, total: Any, gradient: Any, rate: Any) -> list:
    """``total += g*g; variable -= rate * g / sqrt(total)``.

    Duchi, Hazan, Singer, "Adaptive subgradient methods" (2011).
    """
    new_total = b.add(total, b.mul(gradient, gradient))
    step = b.mul(b.mul(gradient, rate), b.rsqrt(new_total))
    return [b.assign(total, new_total), b.assign_sub(variable, step)]


@composite
def rms_prop_update(
    b: Any, variable: Any, square: Any, velocity: Any, gradient: Any, rate: Any,
    decay: Any, momentum: Any, epsilon: Any,
) -> list:  # fmt: skip
    """``s += (g*g - s)(1 - decay); v = momentum * v + rate * g / sqrt(s + eps); variable -= v``.

    Tieleman and Hinton, lecture 6.5 of "Neural networks for machine learning" (2012).
    """
    spread = b.sub(b.mul(gradient, gradient), square)
    new_square = b.add(square, b.mul(spread, _rest(b, decay)))
    step = b.mul(b.mul(gradient, rate), b.rsqrt(b.add(new_square, epsilon)))
    moved = b.add(b.mul(velocity, momentum), step)
    return [
        b.assign(square, new_square),
        b.assign(velocity, moved),
        b.assign_sub(variable, moved),
    ]
