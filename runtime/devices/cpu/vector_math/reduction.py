"""Angles reduced to ``|r| <= pi / 4`` and a quadrant, for every finite float32 and float64.

Small angles: Cody and Waite, three words of pi / 2 with fma.  Large ones: Payne and Hanek ("Radian
reduction for trigonometric functions", 1983), multiplying by only those bits of 2 / pi that decide
the result modulo four quadrants.  float32 takes them from seven 32-bit words by selects and
multiplies integers.  float64 takes them from a table of float64 (four a row), which is a gather,
and multiplies by fma.  Both ways are computed and one selected: no branch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from llvmlite import ir

from runtime.devices.cpu.vector_math.value import DOUBLE, INT64, Value

TWO_OVER_PI = 0.6366197723675814
HALF_PI = {
    False: (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15),
    True: (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33),
}
# Cody and Waite hold below: n is exact, and three words leave more digits than cancellation takes
LARGE = {False: 2.0**17, True: 2.0**20}


@dataclass(frozen=True)
class Angle:
    """``|x| = n pi/2 + r + rest``: ``quadrant`` is an integer equal to n modulo 4; ``rest`` is what
    ``r`` lost in rounding (None for float32, which does without)."""

    r: Value
    rest: Value | None
    quadrant: Value


def reduce_angle(x: Value) -> Angle:
    """The angle of ``|x|``; NaN where x is infinite or NaN."""
    magnitude = x.abs()
    near = _cody_waite(magnitude)
    far = _payne_hanek_double(magnitude) if x.is_double else _payne_hanek_float(magnitude)
    large = magnitude >= LARGE[x.is_double]
    finite = magnitude < math.inf
    r = finite.select(large.select(far.r, near.r), math.nan)
    quadrant = large.select(far.quadrant, near.quadrant)
    if near.rest is None or far.rest is None:
        return Angle(r, None, quadrant)
    return Angle(r, large.select(far.rest, near.rest), quadrant)


def _cody_waite(magnitude: Value) -> Angle:
    high, middle, low = HALF_PI[magnitude.is_double]
    shift = 1.5 * 2.0 ** (52 if magnitude.is_double else 23)
    shifted = magnitude.fma(TWO_OVER_PI, magnitude.constant(shift))
    n = shifted - shift
    exact = n.fma(-high, magnitude)
    r = n.fma(-middle, exact)
    if not magnitude.is_double:
        return Angle(n.fma(-low, r), None, shifted.bits())
    rest = n.fma(-low, n.fma(-middle, exact - r))
    return Angle(r, rest, shifted.bits())


@cache
def two_over_pi(bits: int) -> int:
    """``floor(2**bits * 2 / pi)``, by Machin's formula for pi in integers."""
    scale = 1 << (bits + 64)

    def arctangent_of_inverse(n: int) -> int:
        term, total, k = scale // n, 0, 1
        while term:
            total += term // k if k & 2 == 0 else -(term // k)
            term //= n * n
            k += 2
        return total

    pi = 16 * arctangent_of_inverse(5) - 4 * arctangent_of_inverse(239)
    return (scale << (bits + 1)) // pi


def _payne_hanek_float(magnitude: Value) -> Angle:
    """For ``|x| >= 2**17``, in fixed point: four quadrants are 2**64.

    ``x = m 2**e`` with m of 24 bits.  ``m`` times the 96 bits of 2 / pi from weight ``2**(1 - e)``
    down is x in quadrants modulo 4, to 2**-70 of a quadrant.
    """
    bits = magnitude.bits()
    mantissa = (bits & 0x7FFFFF) | 0x800000
    start = (bits >> 23) - (127 + 17)  # of the wanted bits, in the words below
    high, middle, low = _window(start)

    m = mantissa.widened()
    product = ((mantissa * high).widened() << 32) + m * middle.widened()
    product = product + (m * low.widened()).unsigned_shift(32)
    top, bottom = product.unsigned_shift(32).narrowed(), product.narrowed()

    quadrant = (top + (1 << 29)).unsigned_shift(30)
    # the fraction of a quadrant in [-1/2, 1/2): its sign, then 24 bits and 31 more of its magnitude
    fraction, rest = (top << 2) | bottom.unsigned_shift(30), bottom << 2
    sign = fraction >> 31
    fraction, rest = fraction ^ sign, rest ^ sign
    high_bits = (fraction & -256).converted()
    low_bits = ((fraction << 24) | rest.unsigned_shift(8)).unsigned_shift(1).converted()
    high_pi, low_pi, _ = HALF_PI[False]
    small = high_bits.fma(low_pi * 2.0**-32, low_bits * (math.pi / 2 * 2.0**-55))
    r = high_bits.fma(high_pi * 2.0**-32, small)
    r = (r.bits() ^ (sign << 31)).as_float()
    return Angle(r, None, quadrant)


def _window(start: Value) -> tuple[Value, Value, Value]:
    """96 bits from bit ``start`` of: eight zeros, then 2 / pi from its first fraction bit."""
    known = 7 * 32 - 8
    stream = two_over_pi(known)
    words = [start.constant((stream >> (7 * 32 - 32 * (k + 1))) & 0xFFFFFFFF) for k in range(7)]
    for distance in (2, 1):
        skip = (start & (32 * distance)).equals(0)
        kept = len(words) - distance
        words = [skip.select(words[k], words[k + distance]) for k in range(kept)]
    shift = start & 31
    # the second shift is by 32 - shift in two steps, as 32 itself is no shift
    counter = 31 - shift
    pieces = [
        (words[k] << shift) | words[k + 1].unsigned_shift(1).unsigned_shift(counter)
        for k in range(3)
    ]
    return pieces[0], pieces[1], pieces[2]


ROWS, ROW_BITS, FIRST_EXPONENT = 32, 32, 1023 + 20


@cache
def _double_table() -> tuple[float, ...]:
    """Row j: ``2**(32 j) * 2 / pi`` modulo 2**34, as the sum of four float64."""
    bits = 34 * ROWS + 300
    stream = two_over_pi(bits)
    entries: list[float] = []
    for j in range(ROWS):
        rest = Fraction((stream << (ROW_BITS * j)) % (1 << (bits + 34)), 1 << bits)
        for _ in range(4):
            entries.append(float(rest))
            rest -= Fraction(entries[-1])
    return tuple(entries)


def _table_entry(row: Value, column: int) -> Value:
    module = row.builder.module
    name = "vector_math.two_over_pi"
    table = module.globals.get(name)
    if table is None:
        kind = ir.ArrayType(DOUBLE, 4 * ROWS)
        table = ir.GlobalVariable(module, kind, name)
        table.linkage = "internal"
        table.global_constant = True
        table.initializer = ir.Constant(kind, list(_double_table()))
    place = (row << 2) + column
    address = row.builder.gep(table, [INT64(0), place.ir], inbounds=True)
    return Value(row.builder, row.builder.load(address))


def _payne_hanek_double(magnitude: Value) -> Angle:
    """For ``|x| >= 2**20``.  ``x = s 2**(32 j)`` with s in [2**20, 2**52), a multiple of 2**-32, so
    that whole multiples of 2**34 in ``2**(32 j) * 2 / pi`` are whole turns and left out of row
    j."""
    bits = magnitude.bits()
    ahead = (bits >> 52) - FIRST_EXPONENT
    row = ahead.below_unsigned(ROWS * ROW_BITS).select(ahead >> 5, 0)
    s = (bits - (row << (52 + 5))).as_float()
    entries = [_table_entry(row, column) for column in range(4)]
    products = [s * entry for entry in entries]
    low = [s.fma(entry, -product) for entry, product in zip(entries, products, strict=True)]

    # whole turns go, exactly; what is left below 8 is summed with its rounding errors kept
    terms = [_without_turns(term) for term in (products[0], products[1], low[0])]
    total, lost = _two_sum(terms[0], terms[1])
    total, more = _two_sum(total, terms[2])
    shift = 1.5 * 2.0**52
    shifted = total + shift
    fraction = total - (shifted - shift)
    fraction, third = _two_sum(fraction, products[2])
    fraction, fourth = _two_sum(fraction, low[1])
    tail = ((lost + more) + (third + fourth)) + (low[2] + products[3])
    fraction, tail = _two_sum(fraction, tail)

    high_pi, low_pi, _ = HALF_PI[True]
    r = fraction * high_pi
    rest = fraction.fma(high_pi, -r) + fraction.fma(low_pi, tail * high_pi)
    return Angle(r, rest, shifted.bits())


def _without_turns(quadrants: Value) -> Value:
    return (quadrants * 0.25).call("rint").fma(-4.0, quadrants)


def _two_sum(a: Value, b: Value) -> tuple[Value, Value]:
    """``a + b`` rounded, and what rounding took (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)
