"""sinh, cosh and the inverses asinh, acosh, atanh, on the exponential and log1p."""

from __future__ import annotations

import math

from runtime.devices.cpu.vector_math.exp_log import Reduced, emitter, exp_polynomial, log1p_inside
from runtime.devices.cpu.vector_math.value import Emitter, Value

# (sinh(x) - x) / x**3 in powers of x**2 for x in [0, 1], relative to sinh(x): 2**-25.3 and 2**-61.8
SINH = {
    False: (0.00020372927, 0.0083302734, 0.16666716),
    True: (
        7.776735867442464e-13,
        1.605665604375364e-10,
        2.505213102351766e-08,
        2.755731910667955e-06,
        0.0001984126984159348,
        0.008333333333332912,
        0.16666666666666669,
    ),
}
# above, x**2 may overflow and log(2 x) is asinh(x) and acosh(x) to the last digit
HUGE = {False: 2.0**30, True: 2.0**60}


def _half_exp(magnitude: Value) -> Value:
    """``e**x / 2`` for x >= 0, finite for every x whose cosh is."""
    reduced = Reduced(magnitude.at_most(711.0 if magnitude.is_double else 90.0))
    quarter = exp_polynomial(reduced.r) * reduced.power(less=2)
    return quarter + quarter


def _sinh(x: Value) -> Value:
    magnitude = x.abs()
    z = x * x
    near = (magnitude * z).fma(z.polynomial(SINH[x.is_double]), magnitude)
    half = _half_exp(magnitude)
    far = half - 0.25 / half
    return (magnitude < 1.0).select(near, far).with_sign_of(x)


def _cosh(x: Value) -> Value:
    half = _half_exp(x.abs())
    return half + 0.25 / half


def _asinh(x: Value) -> Value:
    """``log1p(t + t**2 / (1 + sqrt(1 + t**2)))`` with ``t = |x|``."""
    t = x.abs()
    huge = t > HUGE[t.is_double]
    w = t * t / (t.fma(t, t.constant(1.0)).sqrt() + 1.0)
    total = t + w
    rest = w - (total - t)
    u = huge.select(t, total)
    result = log1p_inside(u, huge.select(0.0, rest), double=huge)
    return (t < math.inf).select(result, t).with_sign_of(x)


def _acosh(x: Value) -> Value:
    """``log1p(t + sqrt(t**2 + 2 t))`` with ``t = x - 1``."""
    t = x - 1.0
    huge = t > HUGE[t.is_double]
    square = t.fma(t, t + t)
    root = square.sqrt()
    u = huge.select(t, t + root)
    rest = None
    if x.is_double:  # what the sum and the square root lost
        lost = root.fma(-root, square) / (root + root)
        rest = (huge | root.equals(0.0)).select(0.0, (root - (u - t)) + lost)
    result = log1p_inside(u, rest, double=huge)
    return (x >= 1.0).select((x < math.inf).select(result, x), math.nan)


def _atanh(x: Value) -> Value:
    """``log1p(2 t / (1 - t)) / 2`` with ``t = |x|``."""
    t = x.abs()
    below = 1.0 - t
    twice = t + t
    q = twice / below
    rest = None
    if x.is_double:
        rest = q.fma(-((1.0 - below) - t), q.fma(-below, twice)) / below
    result = log1p_inside(q, rest) * 0.5
    limit = t.equals(1.0).select(t.constant(math.inf), math.nan)
    return (t < 1.0).select(result, limit).with_sign_of(x)


EMITTERS: dict[str, Emitter] = {
    "sinh": emitter(_sinh),
    "cosh": emitter(_cosh),
    "asinh": emitter(_asinh),
    "acosh": emitter(_acosh),
    "atanh": emitter(_atanh),
}
