"""exp, expm1, log, log1p, log2 and what is built straight on them: sigmoid, tanh.

Exponentials: Cody and Waite reduction ``x = n ln2 + r`` with ``|r| <= ln2 / 2`` and a minimax
polynomial in ``r``.  ``n`` is found by adding 1.5 * 2**(mantissa bits), which leaves it in the low
bits of the sum, so ``2**n`` is a shift away.  With fma, ``n ln2`` needs only two words.

Logarithms: ``x = 2**e (1 + f)`` with ``1 + f`` in [sqrt(1/2), sqrt(2)) by integer arithmetic on the
bits; float32 takes a minimax polynomial in ``f``, float64 the series of ``2 atanh(f / (2 + f))``.
log1p finds its ``f`` without rounding ``1 + x`` into it: ``f = x 2**-e + (2**-e - 1)``.

The lists of coefficients are keyed by "is float64"; ``tests/tools/fit_polynomials.py`` prints them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from llvmlite import ir

from runtime.devices.cpu.vector_math.value import Emitter, Value

LOG2_E = 1.4426950408889634
LOG2_E_LOW = 2.0355273740931033e-17
LN2 = 0.6931471805599453
LN2_LOW = {False: -1.9046543e-09, True: 2.3190468138462996e-17}  # ln2 less its float32, its float64

# (e**r - 1 - r) / r**2 on |r| <= ln2 / 2, relative to e**r - 1: 2**-26.1 and 2**-61.6
EXPM1 = {
    False: (0.0013869952, 0.008366253, 0.041667443, 0.16666546, 0.49999997),
    True: (
        2.0897534983337018e-09,
        2.5108719954999032e-08,
        2.7557319185993247e-07,
        2.755724504020893e-06,
        2.480158728860037e-05,
        0.00019841269885461748,
        0.0013888888888890795,
        0.008333333333321756,
        0.041666666666666685,
        0.16666666666666677,
        0.5,
    ),
}
# (log(1 + f) - f) / f**2 for 1 + f in [sqrt(1/2), sqrt(2)], relative to log(1 + f): 2**-25
LOG1P = (
    0.08740039,
    -0.14309728,
    0.14916839,
    -0.16570044,
    0.19962154,
    -0.25001785,
    0.33333948,
    -0.4999999,
)
# log2(1 + f) / f for the same f, relative: 2**-26.2
LOG2 = (
    -0.08782411,
    0.17155932,
    -0.19345622,
    0.20740674,
    -0.23965022,
    0.28838962,
    -0.36068827,
    0.48090222,
    -0.7213475,
    1.442695,
)
# (2 atanh(s) - 2 s) / s**3 in powers of s**2, for s = f / (2 + f), relative to 2 atanh(s): 2**-59.5
ATANH = (
    0.14795619732299967,
    0.15314086305545566,
    0.18183562790719338,
    0.22222198606251065,
    0.2857142874201701,
    0.3999999999941668,
    0.6666666666666734,
)


class Reduced:
    """``x = n ln2 + r``; ``field`` is n moved to the exponent field (modulo its width)."""

    def __init__(self, x: Value) -> None:
        self.mantissa = 52 if x.is_double else 23
        self.bias = 1023 if x.is_double else 127
        shift = 1.5 * 2.0**self.mantissa
        shifted = x.fma(LOG2_E, x.constant(shift))
        n = shifted - shift
        self.r = n.fma(-LN2_LOW[x.is_double], n.fma(-LN2, x))
        self.field = shifted.bits() << self.mantissa

    def power(self, less: int = 0) -> Value:
        """2**(n - less), for results within the normal exponents."""
        return (self.field + ((self.bias - less) << self.mantissa)).as_float()

    def scale(self, p: Value, negative: Value) -> Value:
        """``p 2**n`` for every n an exponential meets: a quarter of the exponent range is applied
        as a second factor, so that overflow and denormal results are rounded once.  ``negative``
        says n < 0."""
        half = (self.bias + 1) >> 1
        low, high = (self.bias - half) << self.mantissa, (self.bias + half) << self.mantissa
        offset = negative.select(self.field.constant(high), low)
        rest = (2 * self.bias << self.mantissa) - offset
        return p * (self.field + offset).as_float() * rest.as_float()


def expm1_polynomial(r: Value) -> Value:
    """e**r - 1 for ``|r| <= ln2 / 2``."""
    return (r * r).fma(r.polynomial(EXPM1[r.is_double]), r)


def exp_polynomial(r: Value) -> Value:
    """e**r for ``|r| <= ln2 / 2``."""
    return r.polynomial((*EXPM1[r.is_double], 1.0, 1.0))


def _exp(x: Value) -> Value:
    low, high = (-746.0, 710.0) if x.is_double else (-104.0, 89.0)
    reduced = Reduced(x.at_least(low).at_most(high))
    return reduced.scale(exp_polynomial(reduced.r), x < 0.0)


def _expm1(x: Value) -> Value:
    low, high = (-40.0, 710.0) if x.is_double else (-20.0, 89.0)
    reduced = Reduced(x.at_least(low).at_most(high))
    # half of 2**n, doubled at the end: e**x - 1 may be finite where 2**n is not
    half = reduced.power(less=1)
    result = half.fma(expm1_polynomial(reduced.r), half - 0.5) * 2.0
    tiny = 1e-18 if x.is_double else 1e-9
    return (x.abs() < tiny).select(x, result)


def _tanh(x: Value) -> Value:
    """``e / (e + 2)`` with ``e = expm1(2 |x|)``: no cancellation anywhere."""
    magnitude = x.abs().at_most(20.0 if x.is_double else 10.0)
    reduced = Reduced(magnitude + magnitude)
    scale = reduced.power()
    e = scale.fma(expm1_polynomial(reduced.r), scale - 1.0)
    below = e + 2.0
    result = e / below
    if x.is_double:  # one Newton step, with what e + 2 lost (for e > 2 it does not matter)
        lost = (e < 2.0).select(e - (below - 2.0), 0.0)
        rest = result.fma(-lost, result.fma(-below, e))
        result = (rest * 0.5).fma(1.0 - result, result)
    return result.with_sign_of(x)


def _sigmoid(x: Value) -> Value:
    """``1 / (1 + e)`` or ``e / (1 + e)`` with ``e = exp(-|x|)``, so that small results keep their
    digits."""
    reduced = Reduced((-x.abs()).at_least(-746.0 if x.is_double else -104.0))
    p = exp_polynomial(reduced.r)
    quarter = (reduced.bias + 1) >> 1
    e = p * reduced.power(less=-quarter) * 2.0**-quarter
    below = e + 1.0
    if not x.is_double:
        return (x < 0.0).select(e, 1.0) / below
    # one Newton step on 1 / (1 + e), with what 1 + e lost
    inverse = 1.0 / below
    rest = inverse.fma(below - 1.0 - e, inverse.fma(-below, inverse.constant(1.0)))
    inverse = inverse.fma(rest, inverse)
    return (x < 0.0).select(inverse * e, inverse)


class Split:
    """``x = 2**e (1 + f)`` for normal positive x, with ``1 + f`` in [sqrt(1/2), sqrt(2)).

    ``field`` is e in the exponent field, ``e`` is e as a float.
    """

    def __init__(self, x: Value) -> None:
        self.bits = x.bits()
        mantissa = 52 if x.is_double else 23
        root_half = 0x3FE6A09E667F3BCD if x.is_double else 0x3F3504F3
        above = self.bits - root_half
        self.field = above & -(1 << mantissa)
        self.e = (above >> mantissa).converted()

    def f(self) -> Value:
        return (self.bits - self.field).as_float() - 1.0


def _log1p_near_zero(f: Value, lost: Value | None = None) -> Value:
    """log(1 + f) for 1 + f in [sqrt(1/2), sqrt(2)); ``lost`` is what f lost in rounding."""
    if not f.is_double:
        return (f * f).fma(f.polynomial(LOG1P), f)
    s = f / (f + 2.0)
    z = s * s
    half_square = f * f * 0.5
    rest = half_square - s * (z.polynomial(ATANH).fma(z, half_square))
    if lost is not None:  # its share is lost / (1 + f)
        rest = rest - lost * f.fma(f - 1.0, f.constant(1.0))
    return f - rest


def _log2_near_one(e: Value, f: Value) -> Value:
    if not f.is_double:
        return f.fma(f.polynomial(LOG2), e)
    natural = _log1p_near_zero(f)
    return natural.fma(LOG2_E, natural.fma(LOG2_E_LOW, e))


def _log_near_one(e: Value, f: Value, lost: Value | None = None) -> Value:
    return e.fma(LN2, _log1p_near_zero(f, lost))


def _logarithm(x: Value, near_one: Callable[[Value, Value], Value]) -> Value:
    """The logarithm that ``near_one(e, f)`` gives for ``2**e (1 + f)``, for every x."""
    mantissa, smallest = (52, 2.0**-1022) if x.is_double else (23, 2.0**-126)
    infinity = 0x7FF0000000000000 if x.is_double else 0x7F800000
    denormal = x < smallest
    split = Split(denormal.select(x * 2.0**mantissa, x))
    e = denormal.select(split.e - float(mantissa), split.e)
    result = near_one(e, split.f())
    at_zero_or_below = x.equals(0.0).select(x.constant(-math.inf), math.nan)
    outside = (x > 0.0).select(x, at_zero_or_below)
    # one unsigned compare tells positive finite x from zero, negative, infinite and NaN
    return (x.bits() - 1).below_unsigned(infinity - 1).select(result, outside)


def log(x: Value) -> Value:
    return _logarithm(x, _log_near_one)


def log1p_inside(x: Value, rest: Value | None = None, double: Value | None = None) -> Value:
    """``log(1 + x + rest)`` for finite x > -1 and a ``rest`` below the digits of x; where
    ``double`` holds, of twice that."""
    split = Split(x + 1.0)
    four = 0x4010000000000000 if x.is_double else 0x40800000
    # 4 * 2**-e, as 2**-e itself would be denormal for the largest x
    scale = (split.bits.constant(four) - split.field).as_float()
    moved, one = (x.bits() - split.field).as_float(), scale.fma(0.25, scale.constant(-1.0))
    f = moved + one
    e = split.e if double is None else double.select(split.e + 1.0, split.e)
    if not x.is_double:
        return _log_near_one(e, f if rest is None else (scale * 0.25).fma(rest, f))
    part = f - moved
    lost = (moved - (f - part)) + (one - part)
    return _log_near_one(e, f, lost if rest is None else (scale * 0.25).fma(rest, lost))


def _log1p(x: Value) -> Value:
    result = log1p_inside(x).with_sign_of(x)
    at_minus_one_or_below = x.equals(-1.0).select(x.constant(-math.inf), math.nan)
    return (x > -1.0).select((x < math.inf).select(result, x), at_minus_one_or_below)


def emitter(function: Callable[[Value], Value]) -> Emitter:
    """``function`` on the builder and the plain LLVM value that a target has in hand."""

    def emit(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
        return function(Value(builder, x)).ir

    return emit


EMITTERS: dict[str, Emitter] = {
    "exp": emitter(_exp),
    "expm1": emitter(_expm1),
    "log": emitter(log),
    "log1p": emitter(_log1p),
    "log2": emitter(lambda x: _logarithm(x, _log2_near_one)),
    "tanh": emitter(_tanh),
    "sigmoid": emitter(_sigmoid),
}
