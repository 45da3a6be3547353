"""pow: ``2**(y log2(x))`` with the logarithm and the product in two words.

The exponent may be as large as 2**7 (2**10 in float64), so ``log2(x)`` must be good to that many
bits beyond the result's: ``x = 2**e (1 + f)``, ``s = f / (2 + f)`` and ``s**3 / 3`` of its series
are two-word values (products by fma, sums by Dekker's fast two-sum), the rest of the series one
word.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from llvmlite import ir

from runtime.devices.cpu.vector_math.error_function import EXP2M1
from runtime.devices.cpu.vector_math.exp_log import Split
from runtime.devices.cpu.vector_math.value import Emitter, Value

# (atanh(s) - s - s**3 / 3) / s**5 in powers of s**2, relative to atanh(s): 2**-36.8 and 2**-73.5
ATANH_TAIL = {
    False: (0.11709694, 0.14273548, 0.20000076),
    True: (
        0.05990871603760609,
        0.058378908750423154,
        0.06668132229084729,
        0.07692279214653824,
        0.09090909421993051,
        0.1111111110889488,
        0.1428571428572192,
        0.1999999999999999,
    ),
}
THIRD = {
    False: (0.3333333432674408, -9.934107758624577e-09),
    True: (0.3333333333333333, 1.850371707708594e-17),
}
TWO_LOG2_E = {
    False: (2.885390043258667, 3.8519566e-08),
    True: (2.8853900817779268, 4.0710547481862066e-17),
}


@dataclass(frozen=True)
class Pair:
    """``high + low``, with ``low`` below the digits of ``high``."""

    high: Value
    low: Value

    def times(self, other: Pair) -> Pair:
        high = self.high * other.high
        low = self.high.fma(other.high, -high)
        return Pair(high, self.high.fma(other.low, self.low.fma(other.high, low)))

    def plus_smaller(self, other: Pair) -> Pair:
        """The sum, for an ``other`` not larger than this."""
        high = self.high + other.high
        low = other.high - (high - self.high)
        return Pair(high, low + (self.low + other.low))


def _constant(like: Value, parts: tuple[float, float]) -> Pair:
    return Pair(like.constant(parts[0]), like.constant(parts[1]))


def _log2(x: Value) -> Pair:
    """log2 of a positive finite x."""
    mantissa, smallest = (52, 2.0**-1022) if x.is_double else (23, 2.0**-126)
    denormal = x < smallest
    split = Split(denormal.select(x * 2.0**mantissa, x))
    e = denormal.select(split.e - float(mantissa), split.e)
    f = split.f()

    below = f + 2.0
    below_low = f - (below - 2.0)
    s_high = f / below
    s = Pair(s_high, s_high.fma(-below_low, s_high.fma(-below, f)) / below)
    square = s.times(s)
    cube = square.times(s)
    tail = square.high * cube.high * square.high.polynomial(ATANH_TAIL[x.is_double])
    third = cube.times(_constant(x, THIRD[x.is_double]))
    atanh = s.plus_smaller(Pair(third.high, third.low + tail))
    scaled = atanh.times(_constant(x, TWO_LOG2_E[x.is_double]))
    high = e + scaled.high  # e is 0 or the larger
    return Pair(high, (scaled.high - (high - e)) + scaled.low)


def _exp2(y: Pair) -> Value:
    """2**y, where y is within twice the exponent range."""
    double = y.high.is_double
    mantissa, bias = (52, 1023) if double else (23, 127)
    shift = 1.5 * 2.0**mantissa
    shifted = y.high + shift
    f = (y.high - (shifted - shift)) + y.low
    p = f.fma(f.polynomial(EXP2M1[double]), f.constant(1.0))
    field = shifted.bits() << mantissa
    half = (bias + 1) >> 1
    low, high = (bias - half) << mantissa, (bias + half) << mantissa
    offset = (y.high < 0.0).select(field.constant(high), low)
    rest = (2 * bias << mantissa) - offset
    return p * (field + offset).as_float() * rest.as_float()


def _pow(x: Value, y: Value) -> Value:
    limit = 1080.0 if x.is_double else 160.0
    magnitude = x.abs()
    logarithm = _log2(magnitude)
    high = y * logarithm.high
    low = y.fma(logarithm.low, y.fma(logarithm.high, -high))
    bound = high.at_most(limit).at_least(-limit)
    inside = bound.equals(high)
    result = _exp2(Pair(bound, inside.select(low, 0.0)))

    # 0, inf and the infinite exponents: the limit of |x|**y
    grows = (y > 0.0).select(magnitude > 1.0, magnitude < 1.0)
    edge = grows.select(x.constant(math.inf), (magnitude.equals(1.0)).select(x.constant(1.0), 0.0))
    at_edge = magnitude.equals(0.0) | magnitude.equals(math.inf) | y.abs().equals(math.inf)
    result = at_edge.select(edge, result)

    # a negative x: the sign of odd y, NaN for y that is no integer
    integral = y.call("rint").equals(y)
    half = y * 0.5
    odd = integral & (half.call("rint").equals(half) ^ _true(y))
    negative = x.bits() < 0
    result = (negative & odd).select(-result, result)
    fractional = (x < 0.0) & (x > -math.inf) & (integral ^ _true(y))
    result = fractional.select(math.nan, result)
    result = (x.is_nan() | y.is_nan()).select(math.nan, result)
    return (x.equals(1.0) | y.equals(0.0)).select(1.0, result)


def _true(like: Value) -> Value:
    return Value(like.builder, ir.Constant(ir.IntType(1), 1))


def _emit_pow(builder: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
    return _pow(Value(builder, x), Value(builder, y)).ir


EMITTERS: dict[str, Emitter] = {"pow": _emit_pow}
