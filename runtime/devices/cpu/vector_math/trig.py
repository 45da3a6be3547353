"""sin, cos and tan for every finite angle: minimax polynomials on ``|r| <= pi / 4``.

The lists of coefficients are keyed by "is float64"; ``tests/tools/fit_polynomials.py`` prints them.
"""

from __future__ import annotations

from runtime.devices.cpu.vector_math.exp_log import emitter
from runtime.devices.cpu.vector_math.reduction import Angle, reduce_angle
from runtime.devices.cpu.vector_math.value import Emitter, Value

# (sin(r) - r) / r**3 in powers of r**2, relative to sin(r): 2**-27.9 and 2**-63
SIN = {
    False: (-0.0001951829, 0.008332189, -0.16666655),
    True: (
        -7.388140099640524e-13,
        1.6054291264955655e-10,
        -2.5052070813868607e-08,
        2.7557319073748883e-06,
        -0.00019841269840962315,
        0.008333333333333042,
        -0.16666666666666666,
    ),
}
# (cos(r) - 1 + r**2 / 2) / r**4 in powers of r**2: 2**-33 and 2**-69
COS = {
    False: (2.4432566e-05, -0.0013887311, 0.041666646),
    True: (
        4.592385522580833e-14,
        -1.1466856862636674e-11,
        2.0876721979822992e-09,
        -2.755731906061134e-07,
        2.480158730118076e-05,
        -0.0013888888888888389,
        0.041666666666666664,
    ),
}
# (tan(r) - r) / r**3 in powers of r**2, relative to tan(r): 2**-25.7 and 2**-60
TAN = {
    False: (0.009388638, 0.0031134, 0.024435107, 0.05340953, 0.13338827, 0.33333156),
    True: (
        9.701634572600297e-06,
        -2.383518580739252e-05,
        4.774743869147138e-05,
        -2.4565203600503596e-05,
        6.637264291679723e-05,
        8.402846935475706e-05,
        0.00024356592584497578,
        0.0005889170817948094,
        0.0014560348903499597,
        0.0035921024064336144,
        0.008863237772798294,
        0.021869488408893207,
        0.05396825397253396,
        0.13333333333326083,
        0.33333333333333376,
    ),
}


def _sin_of(angle: Angle, z: Value) -> Value:
    r = angle.r
    p = z.polynomial(SIN[r.is_double])
    if angle.rest is None:
        return (r * z).fma(p, r)
    return r + (r * z).fma(p, angle.rest)


def _cos_of(angle: Angle, z: Value) -> Value:
    p = z.polynomial(COS[z.is_double])
    if angle.rest is None:
        return (z * z).fma(p, z.fma(-0.5, z.constant(1.0)))
    # 1 - z / 2 is rounded; what it lost goes with the small terms
    half = z * 0.5
    one = 1.0 - half
    lost = (1.0 - one) - half
    return one + (z * z).fma(p, angle.r.fma(-angle.rest, lost))


def _sin_or_cos(x: Value, quarter: int) -> Value:
    """sin of x for ``quarter`` 0, of x + pi/2 for 1."""
    angle = reduce_angle(x)
    z = angle.r * angle.r
    turn = angle.quadrant + quarter
    use_sin = (turn & 1).equals(0)
    result = use_sin.select(_sin_of(angle, z), _cos_of(angle, z))
    width = 63 if x.is_double else 31
    sign = (turn & 2) << (width - 1)
    if quarter == 0:  # odd in x
        sign = sign ^ (x.bits() & (-1 << width))
    return (result.bits() ^ sign).as_float()


def _tan(x: Value) -> Value:
    angle = reduce_angle(x)
    r = angle.r
    z = r * r
    p = z.polynomial(TAN[r.is_double])
    if angle.rest is None:
        t = (r * z).fma(p, r)
    else:
        t = r + (r * z).fma(p, angle.rest.fma(z, angle.rest))
    odd = (angle.quadrant & 1).equals(1)
    result = odd.select(-1.0, t) / odd.select(t, 1.0)
    width = 63 if x.is_double else 31
    sign = x.bits() & (-1 << width)
    return (result.bits() ^ sign).as_float()


EMITTERS: dict[str, Emitter] = {
    "sin": emitter(lambda x: _sin_or_cos(x, 0)),
    "cos": emitter(lambda x: _sin_or_cos(x, 1)),
    "tan": emitter(_tan),
}
