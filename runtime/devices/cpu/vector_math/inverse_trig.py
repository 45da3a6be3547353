"""asin, acos, atan and atan2.

asin and acos beyond 1/2 go through ``asin(x) = pi/2 - 2 asin(sqrt((1 - x) / 2))``.  atan in float32
takes one polynomial on [0, 1] and ``pi/2 - atan(1 / x)`` above; in float64 also
``pi/4 + atan((x - 1) / (x + 1))``.
"""

from __future__ import annotations

import math

from llvmlite import ir

from runtime.devices.cpu.vector_math.exp_log import emitter
from runtime.devices.cpu.vector_math.reduction import HALF_PI
from runtime.devices.cpu.vector_math.value import Emitter, Value

# (asin(s) - s) / s**3 in powers of s**2, s in [0, 1/2], relative to asin(s): 2**-27.6 and 2**-59.9
ASIN = {
    False: (0.0421585, 0.024184702, 0.045469157, 0.074953094, 0.16666752),
    True: (
        0.0326262332652198,
        -0.020995040555974467,
        0.021704444448305358,
        0.003707718799183968,
        0.010779882539686824,
        0.011398983211877553,
        0.013980811146819427,
        0.017351612872666067,
        0.02237221493446415,
        0.030381942709927997,
        0.04464285717455948,
        0.07499999999970867,
        0.1666666666666676,
    ),
}
# (atan(q) - q) / q**3 in powers of q**2, relative to atan(q): for q in [0, 1] 2**-25.8; for
# q in [0, sqrt(2) - 1] 2**-63.9
ATAN = {
    False: (
        0.0029197303,
        -0.016364155,
        0.04320588,
        -0.075517245,
        0.106657855,
        -0.14211003,
        0.19993767,
        -0.33333153,
    ),
    True: (
        0.014916228087233505,
        -0.033196999752124076,
        0.044915038479331565,
        -0.05215408727476642,
        0.058765509264994055,
        -0.06666178070806428,
        0.07692279417924251,
        -0.09090907994681507,
        0.11111111083960376,
        -0.14285714285319165,
        0.1999999999999711,
        -0.33333333333333326,
    ),
}


def _half_angle(x: Value) -> tuple[Value, Value, Value]:
    """Whether |x| <= 1/2, and asin(s) as ``s`` and the rest, with s = |x| there and
    ``sqrt((1 - |x|) / 2)`` above."""
    magnitude = x.abs()
    small = magnitude <= 0.5
    z = small.select(x * x, magnitude.fma(-0.5, x.constant(0.5)))
    s = small.select(magnitude, z.sqrt())
    rest = s * z * z.polynomial(ASIN[x.is_double])
    if x.is_double:  # what the square root lost
        lost = s.fma(-s, z) / (s + s)
        rest = rest + (small | s.equals(0.0)).select(0.0, lost)
    return small, s, rest


def _less(high: float, low: float, s: Value, rest: Value) -> Value:
    """``(high + low) - (s + rest)``."""
    return high - (s - (low - rest))


def _asin(x: Value) -> Value:
    small, s, rest = _half_angle(x)
    high, low, _ = HALF_PI[x.is_double]
    large = _less(high, low, s + s, rest + rest)
    return small.select(s + rest, large).with_sign_of(x)


def _acos(x: Value) -> Value:
    small, s, rest = _half_angle(x)
    high, low, _ = HALF_PI[x.is_double]
    near = _less(high, low, s.with_sign_of(x), rest.with_sign_of(x))
    twice, twice_rest = s + s, rest + rest
    below = _less(2 * high, 2 * low, twice, twice_rest)
    return small.select(near, (x < 0.0).select(below, twice + twice_rest))


def _with_rest(q: Value) -> Value:
    """``atan(q) - q``, for q where the polynomial holds."""
    z = q * q
    return q * z * z.polynomial(ATAN[q.is_double])


def _atan(x: Value) -> Value:
    t = x.abs()
    high, low, _ = HALF_PI[t.is_double]
    if not t.is_double:
        above = t > 1.0
        q = above.select(-1.0, t) / above.select(t, 1.0)
        offset, offset_low = above.select(q.constant(high), 0.0), above.select(q.constant(low), 0.0)
    else:
        above, middle = t > 1 + math.sqrt(2), t > math.sqrt(2) - 1
        numerator = above.select(-1.0, middle.select(t - 1.0, t))
        q = numerator / above.select(t, middle.select(t + 1.0, 1.0))
        offset = above.select(high, middle.select(q.constant(high / 2), 0.0))
        offset_low = above.select(low, middle.select(q.constant(low / 2), 0.0))
    return (offset + (q + (_with_rest(q) + offset_low))).with_sign_of(x)


def _atan_of_quotient(smaller: Value, larger: Value) -> Value:
    """``atan(smaller / larger)``, where 0 / 0 is read as 0 and inf / inf as 1."""
    equal = smaller.equals(larger)
    if not smaller.is_double:
        same = larger.equals(0.0).select(larger, larger.constant(1.0))
        t = equal.select(same, smaller / larger)
        return t + _with_rest(t)
    high, low, _ = HALF_PI[True]
    huge = larger > 2.0**1000  # so that the sum below stays finite
    a, b = (huge.select(v * 2.0**-64, v) for v in (smaller, larger))
    middle = (a > b * (math.sqrt(2) - 1)) | smaller.equals(math.inf)
    quotient = middle.select(a - b, a) / middle.select(a + b, b)
    q = equal.select(0.0, quotient)
    offset = middle.select(q.constant(high / 2), 0.0)
    return offset + (q + (_with_rest(q) + middle.select(q.constant(low / 2), 0.0)))


def _atan2(y: Value, x: Value) -> Value:
    """atan of the quotient that is at most 1, unfolded into the octant of (x, y)."""
    height, width = y.abs(), x.abs()
    steep = height > width
    t = _atan_of_quotient(steep.select(width, height), steep.select(height, width))
    high, low, _ = HALF_PI[x.is_double]
    behind = x.bits() < 0
    offset = steep.select(t.constant(high), behind.select(t.constant(2 * high), 0.0))
    offset_low = steep.select(t.constant(low), behind.select(t.constant(2 * low), 0.0))
    turned = (steep ^ behind).select(-t, t)
    return (offset + (turned + offset_low)).with_sign_of(y)


def _emit_atan2(builder: ir.IRBuilder, y: ir.Value, x: ir.Value) -> ir.Value:
    return _atan2(Value(builder, y), Value(builder, x)).ir


EMITTERS: dict[str, Emitter] = {
    "asin": emitter(_asin),
    "acos": emitter(_acos),
    "atan": emitter(_atan),
    "atan2": _emit_atan2,
}
