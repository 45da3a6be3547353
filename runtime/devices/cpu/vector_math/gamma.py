"""lgamma and digamma: the logarithm of the gamma function, and its derivative.

Both compute float32 in float64: near their zeros the terms cancel, and float64 leaves every digit a
float32 has.  In float64 the zeros at 1 and 2 of lgamma keep their relative precision; those at
negative arguments, and the zeros of digamma, are exact to units of what cancels there.

lgamma(y) for y >= 0: below 0.5 by ``lgamma(y + 2) - log(y (y + 1))``, to 1.5 by ``lgamma(y + 1) -
log(y)``, to 8.5 as ``lgamma(t) + log(t (t + 1) ... (y - 1))`` with t in [1.5, 2.5], where a
polynomial gives it; from there on Stirling's series.  One logarithm serves all four.  Negative
arguments use ``lgamma(x) = -lgamma(1 - x) - log(|sin(pi x)| / pi)``.

digamma(y) by its asymptotic series from 10 on; below, ``digamma(y + 10)`` less the sum of
``1 / (y + k)``, one quotient.  Negative arguments use ``digamma(1 - x) - pi / tan(pi x)``.
"""

from __future__ import annotations

import math

from runtime.devices.cpu.vector_math.exp_log import emitter, log
from runtime.devices.cpu.vector_math.value import Emitter, Value

# lgamma(2 + t) / t on [-1/2, 1/2], relative: 2**-56.2
LOG_GAMMA = (
    2.1303909903927972e-07,
    2.6592417696665714e-08,
    3.263204194629e-08,
    -6.11808620458274e-07,
    1.039247904594438e-06,
    -1.959526945564634e-06,
    4.353304291297965e-06,
    -9.460140371433638e-06,
    2.0510472868355118e-05,
    -4.4923140817239505e-05,
    9.945721886520319e-05,
    -0.00022315503016557696,
    0.0005096695399932298,
    -0.0011927538983257332,
    0.002890510330325971,
    -0.007385551029003986,
    0.020580808427789445,
    -0.06735230105319495,
    0.3224670334241132,
    0.42278433509846713,
)
# sin(pi r) / r in powers of r**2 for |r| <= 1/2, relative: 2**-54.5
SINPI = (
    7.441884676674145e-07,
    -2.1875962291086902e-05,
    0.0004662875975001543,
    -0.007370427622743928,
    0.08214588618460764,
    -0.5992645292891485,
    2.5501640398760834,
    -5.167712780049947,
    3.141592653589793,
)
# The Bernoulli numbers B2k, k = 8 .. 1, over 2k (2k - 1) and over 2k
STIRLING = (-3617 / 122400, 1 / 156, -691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12)
ASYMPTOTIC = (-3617 / 8160, 1 / 12, -691 / 32760, 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12)
STEPS_DOWN = 6  # from below 8.5 into [1.5, 2.5]
STEPS_UP = 10


def _sin_pi(r: Value) -> Value:
    """sin(pi r) for ``|r| <= 1/2``."""
    return r * (r * r).polynomial(SINPI)


def _positive_lgamma(y: Value) -> Value:
    """lgamma(y) for y >= 0; NaN stays NaN."""
    t, product = y, y.constant(1.0)
    for _ in range(STEPS_DOWN):
        above = t >= 2.5
        t = above.select(t - 1.0, t)
        product = above.select(product * t, product)
    tiny, low, large = y < 0.5, y < 1.5, y >= 8.5
    t = tiny.select(y, low.select(y - 1.0, t - 2.0))
    argument = large.select(y, tiny.select(y * (y + 1.0), low.select(y, product)))
    logarithm = log(argument)
    near = t * t.polynomial(LOG_GAMMA) + low.select(-logarithm, logarithm)
    inverse = 1.0 / y
    rest = inverse * (inverse * inverse).polynomial(STIRLING)
    far = (y - 0.5) * (logarithm - 1.0) + (rest + 0.5 * (math.log(2 * math.pi) - 1))
    # at infinity the series itself is 0 / inf
    return (y < math.inf).select(large.select(far, near), y)


def _lgamma(x: Value) -> Value:
    negative = x < 0.0
    r = x - x.call("rint")
    above = _positive_lgamma(negative.select(1.0 - x, x))
    reflected = -log(_sin_pi(r).abs() * (1 / math.pi)) - above
    finite = x > -math.inf
    return negative.select(finite.select(reflected, math.inf), above)


def _digamma(x: Value) -> Value:
    negative = x < 0.0
    y = negative.select(1.0 - x, x)
    near = y < float(STEPS_UP)
    total, product = y.constant(1.0), y
    for k in range(1, STEPS_UP):
        step = y + float(k)
        total = total.fma(step, product)
        product = product * step
    z = near.select(y + float(STEPS_UP), y)
    inverse = 1.0 / z
    square = inverse * inverse
    series = log(z) - inverse * 0.5 - square * square.polynomial(ASYMPTOTIC)
    above = near.select(series - total / product, series)
    r = x - x.call("rint")
    cosine = _sin_pi(0.5 - r.abs())
    reflected = above - cosine * math.pi / _sin_pi(r)
    result = negative.select(reflected, above)
    pole = x.equals(0.0) | (negative & r.equals(0.0)) | x.equals(-math.inf)
    return pole.select(math.nan, x.equals(math.inf).select(x, result))


def _in_double(function: Emitter) -> Emitter:
    def wide(x: Value) -> Value:
        return function(x) if x.is_double else function(x.extended()).rounded()

    return emitter(wide)


EMITTERS: dict[str, Emitter] = {"lgamma": _in_double(_lgamma), "digamma": _in_double(_digamma)}
