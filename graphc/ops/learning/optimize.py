"""The arithmetic of optimizers: elementwise ops that end in writes of the same elements.

Fusion makes one in-place kernel of an update, and one launch of the updates of all parameters.
Each function returns the writes; what reads a slot variable sees its value before the run.

With ``rows`` the gradient is of these rows of the variable alone, each once (-1: of none; see
:func:`graphc.ops.indexing.rows.combined_rows`), and only these rows of it and of its slots are read
and written.
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


@composite
def centered_rms_prop_update(
    b: Any, variable: Any, average: Any, square: Any, velocity: Any, gradient: Any, rate: Any,
    decay: Any, momentum: Any, epsilon: Any, rows: Any = None,
) -> list:  # fmt: skip
    """As :func:`rms_prop_update`, by the gradient's variance: ``s - a*a`` in place of ``s``, where
    ``a += (g - a)(1 - decay)``.

    Graves, "Generating sequences with recurrent neural networks" (2013).
    """
    share = _rest(b, decay)
    square_before, average_before = held(b, square, rows), held(b, average, rows)
    new_square = b.add(square_before, b.mul(b.sub(b.mul(gradient, gradient), square_before), share))
    new_average = b.add(average_before, b.mul(b.sub(gradient, average_before), share))
    variance = b.sub(b.add(new_square, epsilon), b.mul(new_average, new_average))
    step = b.mul(b.mul(gradient, rate), b.rsqrt(variance))
    speed = b.add(b.mul(held(b, velocity, rows), momentum), step)
    return [
        kept(b, average, new_average, rows),
        kept(b, square, new_square, rows),
        kept(b, velocity, speed, rows),
        moved(b, variable, speed, rows),
    ]


@composite
def adadelta_update(
    b: Any, variable: Any, square: Any, moves: Any, gradient: Any, rate: Any, rho: Any,
    epsilon: Any, rows: Any = None,
) -> list:  # fmt: skip
    """``s = rho*s + (1 - rho)*g*g; u = sqrt(d + eps) / sqrt(s + eps) * g; variable -= rate * u;
    d = rho*d + (1 - rho)*u*u``.

    Zeiler, "Adadelta" (2012).
    """
    share = _rest(b, rho)
    new_square = b.add(b.mul(held(b, square, rows), rho), b.mul(b.mul(gradient, gradient), share))
    before = held(b, moves, rows)
    ratio = b.mul(b.sqrt(b.add(before, epsilon)), b.rsqrt(b.add(new_square, epsilon)))
    move = b.mul(ratio, gradient)
    new_moves = b.add(b.mul(before, rho), b.mul(b.mul(move, move), share))
    return [
        kept(b, square, new_square, rows),
        kept(b, moves, new_moves, rows),
        moved(b, variable, b.mul(move, rate), rows),
    ]


def shrunk(b: Any, x: Any, threshold: Any) -> Any:
    """``sign(x) * max(|x| - threshold, 0)``: what an l1 penalty makes of a step's end."""
    return b.mul(b.sign(x), b.maximum(b.sub(b.abs(x), threshold), 0.0))


@composite
def adagrad_da_update(
    b: Any, variable: Any, total: Any, squares: Any, gradient: Any, rate: Any, l1: Any, l2: Any,
    step: Any, rows: Any = None,
) -> list:  # fmt: skip
    """``t += g; s += g*g; variable = -rate * shrunk(t, l1*step) / (l2*step*rate + sqrt(s))``.

    Dual averaging of Duchi, Hazan, Singer, "Adaptive subgradient methods" (2011); ``l1`` None
    shrinks nothing.
    """
    new_total = b.add(held(b, total, rows), gradient)
    new_squares = b.add(held(b, squares, rows), b.mul(gradient, gradient))
    kept_part = new_total if l1 is None else shrunk(b, new_total, b.mul(l1, step))
    scale = b.add(b.mul(b.mul(l2, step), rate), b.sqrt(new_squares))
    value = b.truediv(b.mul(kept_part, b.neg(rate)), scale)
    return [
        kept(b, total, new_total, rows),
        kept(b, squares, new_squares, rows),
        kept(b, variable, value, rows),
    ]


@composite
def ftrl_update(
    b: Any, variable: Any, total: Any, linear: Any, gradient: Any, rate: Any, l1: Any, l2: Any,
    shrinkage: Any = None, power: float = -0.5, rows: Any = None,
) -> list:  # fmt: skip
    """``n = total + g*g; linear += h - (n**-power - total**-power) / rate * variable;
    variable = -shrunk(linear, l1) / (n**-power / rate + 2*l2); total = n``, where ``h`` is ``g +
    2 * shrinkage * variable``.

    McMahan et al., "Ad click prediction" (2013).
    """

    def scale(x: Any) -> Any:
        return b.sqrt(x) if power == -0.5 else b.pow(x, -power)

    at, before = held(b, variable, rows), held(b, total, rows)
    pull = gradient if shrinkage is None else b.add(gradient, b.mul(b.mul(at, shrinkage), 2.0))
    new_total = b.add(before, b.mul(gradient, gradient))
    change = b.truediv(b.sub(scale(new_total), scale(before)), rate)
    new_linear = b.add(held(b, linear, rows), b.sub(pull, b.mul(change, at)))
    curvature = b.add(b.truediv(scale(new_total), rate), b.mul(l2, 2.0))
    value = b.truediv(b.neg(shrunk(b, new_linear, l1)), curvature)
    return [
        kept(b, total, new_total, rows),
        kept(b, linear, new_linear, rows),
        kept(b, variable, value, rows),
    ]


@composite
def proximal_gradient_descent_update(
    b: Any, variable: Any, gradient: Any, rate: Any, l1: Any, l2: Any, rows: Any = None
) -> list:
    """``variable = shrunk(variable - rate*g, rate*l1) / (1 + rate*l2)``; ``l1`` None shrinks
    nothing.

    Duchi and Singer, "Efficient learning using forward-backward splitting" (2009).
    """
    ahead = b.sub(held(b, variable, rows), b.mul(gradient, rate))
    return [kept(b, variable, _proximal(b, ahead, rate, l1, l2), rows)]


@composite
def proximal_adagrad_update(
    b: Any, variable: Any, total: Any, gradient: Any, rate: Any, l1: Any, l2: Any,
    rows: Any = None,
) -> list:  # fmt: skip
    """As :func:`proximal_gradient_descent_update`, by Adagrad's rates: ``total += g*g; rate /=
    sqrt(total)``."""
    new_total = b.add(held(b, total, rows), b.mul(gradient, gradient))
    own_rate = b.mul(rate, b.rsqrt(new_total))
    ahead = b.sub(held(b, variable, rows), b.mul(gradient, own_rate))
    return [
        kept(b, total, new_total, rows),
        kept(b, variable, _proximal(b, ahead, own_rate, l1, l2), rows),
    ]


def _proximal(b: Any, ahead: Any, rate: Any, l1: Any, l2: Any) -> Any:
    near = ahead if l1 is None else shrunk(b, ahead, b.mul(rate, l1))
    return b.truediv(near, b.add(b.mul(rate, l2), 1.0))
