"""The arithmetic of optimizers: elementwise ops that end in writes of the same elements.

Fusion makes one in-place kernel of an update, and one launch of the updates of all parameters.
Each function returns the writes; what reads a slot variable sees its value before the run.

With ``rows`` the gradient is of these rows of the variable alone, each once (-1: of none; see
:func:`graphc.ops.rows.combined_rows`), and only these rows of it and of its slots are read and
written.
"""

from __future__ import annotations

from typing import Any

from graphc.ir.builder import composite


def held(b: Any, slot: Any, rows: Any) -> Any:
    """What a slot holds, where the gradient is."""
    return slot if rows is None else b.rows_at(slot, rows)


def kept(b: Any, slot: Any, value: Any, rows: Any) -> Any:
    """The write that gives a slot its new value, where the gradient is."""
    return b.assign(slot, value) if rows is None else b.write_rows(slot, rows, value)


def moved(b: Any, variable: Any, step: Any, rows: Any) -> Any:
    """The write ``variable -= step``, where the gradient is."""
    if rows is None:
        return b.assign_sub(variable, step)
    return b.write_rows(variable, rows, step, how="sub")


def _rest(b: Any, share: Any) -> Any:
    """``1 - share``."""
    return 1.0 - share if isinstance(share, int | float) else b.sub(1.0, share)


@composite
def gradient_descent_update(
    b: Any, variable: Any, gradient: Any, rate: Any, rows: Any = None
) -> list:
    """``variable -= rate * gradient``; ``rows`` may repeat here."""
    return [moved(b, variable, b.mul(gradient, rate), rows)]


@composite
def momentum_update(
    b: Any, variable: Any, velocity: Any, gradient: Any, rate: Any, momentum: Any,
    nesterov: bool = False, rows: Any = None,
) -> list:  # fmt: skip
    """``velocity = momentum * velocity + gradient; variable -= rate * velocity``.

    Nesterov's form steps by ``rate * (gradient + momentum * velocity)`` instead: Sutskever et al.,
    "On the importance of initialization and momentum in deep learning" (2013).
    """
    speed = b.add(b.mul(held(b, velocity, rows), momentum), gradient)
    step = b.add(gradient, b.mul(speed, momentum)) if nesterov else speed
    return [kept(b, velocity, speed, rows), moved(b, variable, b.mul(step, rate), rows)]


@composite
def adam_rate(b: Any, rate: Any, beta1_power: Any, beta2_power: Any) -> Any:
    """``rate * sqrt(1 - beta2**t) / (1 - beta1**t)``: one number for all parameters."""
    return b.truediv(b.mul(rate, b.sqrt(b.sub(1.0, beta2_power))), b.sub(1.0, beta1_power))


@composite
def adam_update(
    b: Any, variable: Any, mean: Any, square: Any, gradient: Any, rate: Any,
    beta1: Any, beta2: Any, epsilon: Any, rows: Any = None,
) -> list:  # fmt: skip
    """``m += (g - m)(1 - beta1); v += (g*g - v)(1 - beta2); variable -= rate * m / (sqrt(v)+eps)``.

    Kingma and Ba, "Adam" (2014), in the form whose ``rate`` (:func:`adam_rate`) holds both
    corrections.  A gradient of rows is zero elsewhere: every row of the slots decays, and moves.
    """
    if rows is not None:
        return _adam_rows(b, variable, mean, square, gradient, rate, beta1, beta2, epsilon, rows)
    new_mean = b.add(mean, b.mul(b.sub(gradient, mean), _rest(b, beta1)))
    spread = b.sub(b.mul(gradient, gradient), square)
    new_square = b.add(square, b.mul(spread, _rest(b, beta2)))
    step = b.truediv(b.mul(new_mean, rate), b.add(b.sqrt(new_square), epsilon))
    return [
        b.assign(mean, new_mean),
        b.assign(square, new_square),
        b.assign_sub(variable, step),
    ]


def _adam_rows(
    b: Any, variable: Any, mean: Any, square: Any, gradient: Any, rate: Any,
    beta1: Any, beta2: Any, epsilon: Any, rows: Any,
) -> list:  # fmt: skip
    """One pass in which every row decays and moves; then the rows of the gradient are put right."""

    def step(m: Any, v: Any) -> Any:
        return b.truediv(b.mul(m, rate), b.add(b.sqrt(v), epsilon))

    faded_mean, faded_square = b.mul(mean, beta1), b.mul(square, beta2)
    row_mean, row_square = (
        b.mul(b.rows_at(mean, rows), beta1),
        b.mul(b.rows_at(square, rows), beta2),
    )
    new_mean = b.add(row_mean, b.mul(gradient, _rest(b, beta1)))
    new_square = b.add(row_square, b.mul(b.mul(gradient, gradient), _rest(b, beta2)))
    rest_of_step = b.sub(step(new_mean, new_square), step(row_mean, row_square))
    return [
        b.assign(mean, faded_mean),
        b.assign(square, faded_square),
        b.assign_sub(variable, step(faded_mean, faded_square)),
        b.write_rows(mean, rows, new_mean),
        b.write_rows(square, rows, new_square),
        b.write_rows(variable, rows, rest_of_step, how="sub"),
    ]


@composite
def adagrad_update(
    b: Any, variable: Any, total: Any, gradient: Any, rate: Any, rows: Any = None
) -> list:
    """``total += g*g; variable -= rate * g / sqrt(total)``.

    Duchi, Hazan, Singer, "Adaptive subgradient methods" (2011).
    """
    new_total = b.add(held(b, total, rows), b.mul(gradient, gradient))
    step = b.mul(b.mul(gradient, rate), b.rsqrt(new_total))
    return [kept(b, total, new_total, rows), moved(b, variable, step, rows)]


@composite
def rms_prop_update(
    b: Any, variable: Any, square: Any, velocity: Any, gradient: Any, rate: Any,
    decay: Any, momentum: Any, epsilon: Any, rows: Any = None,
) -> list:  # fmt: skip
    """``s += (g*g - s)(1 - decay); v = momentum * v + rate * g / sqrt(s + eps); variable -= v``.

    Tieleman and Hinton, lecture 6.5 of "Neural networks for machine learning" (2012).
    """
    before = held(b, square, rows)
    spread = b.sub(b.mul(gradient, gradient), before)
    new_square = b.add(before, b.mul(spread, _rest(b, decay)))
    step = b.mul(b.mul(gradient, rate), b.rsqrt(b.add(new_square, epsilon)))
    speed = b.add(b.mul(held(b, velocity, rows), momentum), step)
    return [
        kept(b, square, new_square, rows),
        kept(b, velocity, speed, rows),
        moved(b, variable, speed, rows),
    ]
