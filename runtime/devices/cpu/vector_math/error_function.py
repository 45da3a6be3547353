"""erf, erfc and erfinv.

erf is ``-expm1(log(erfc(|x|)))`` with ``log(erfc(t)) / t`` as one polynomial over all t that
matter: nothing cancels, neither near 0 nor near 1, and no branch is needed. float32 works in powers
of 2, which saves the multiples of ln2; float64 in powers of e, which rounds once less near 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from runtime.devices.cpu.vector_math.exp_log import (
    Reduced,
    emitter,
    expm1_polynomial,
    log,
)
from runtime.devices.cpu.vector_math.value import Emitter, Value

# log2(erfc(t)) / t on [0, 3.95], weighted by what it does to erf(t): 2**-27.4
LOG2_ERFC = (
    1.3358738e-05,
    -0.00016975691,
    0.0009131094,
    -0.0024052255,
    0.00023161831,
    0.027631924,
    -0.14827706,
    -0.9184476,
    -1.627907,
)
# (2**f - 1) / f on [-1/2, 1/2], relative: 2**-26.2 and 2**-54.7
EXP2M1 = {
    False: (0.000153824, 0.0013387394, 0.00961831, 0.055503674, 0.24022649, 0.6931472),
    True: (
        3.036268604476069e-11,
        4.5748055209317664e-10,
        7.051927699406494e-09,
        1.0177312619671495e-07,
        1.3215493555852015e-06,
        1.5252735472727937e-05,
        0.00015403530386948482,
        0.0013333558144946215,
        0.00961812910763077,
        0.05550410866482621,
        0.2402265069591007,
        0.6931471805599453,
    ),
}
# -log(erfc(t)) / t on [0, 5.95], weighted likewise: 2**-56
MINUS_LOG_ERFC = (
    7.83441230967441e-16,
    -3.8506154315130775e-14,
    8.845737258598547e-13,
    -1.2611185332902004e-11,
    1.2484250639879674e-10,
    -9.082323023389564e-10,
    4.99775300033259e-09,
    -2.0962854146014263e-08,
    6.57341702309772e-08,
    -1.4176379481174856e-07,
    1.3718605373840825e-07,
    3.3635811183069686e-07,
    -1.7415391577389164e-06,
    2.8351321670646897e-06,
    3.407271413168433e-06,
    -2.972404943732725e-05,
    6.449186221078278e-05,
    2.587860386759244e-05,
    -0.0005901255528077141,
    0.0016962063857339257,
    -0.00020919469484183511,
    -0.01912844700507033,
    0.10277260330178876,
    0.6366197723675836,
    1.1283791670955126,
)

# (1 + 2 t) exp(t**2) erfc(t) in powers of (t - 4) / (t + 4) for t >= 1/2: 2**-25.1 and 2**-54.6
SCALED_ERFC = {
    False: (
        0.005677762,
        -0.016114874,
        0.03683556,
        -0.06653629,
        0.0937765,
        -0.10099162,
        0.06809585,
        0.015376441,
        -0.13962112,
        1.2329952,
    ),
    True: (
        -8.995606700230393e-09,
        -7.493600344721966e-09,
        1.0174335448803804e-07,
        5.317023599431322e-08,
        -8.181483421340699e-07,
        3.168110682993165e-07,
        5.705928806284111e-06,
        -1.1236633128162045e-05,
        -2.4397981521076706e-05,
        0.00015062745799238517,
        -0.00019925694226754275,
        -0.0007577747300913629,
        0.005031970007874775,
        -0.016197733836767036,
        0.03716751553543265,
        -0.06633036583181359,
        0.09373283499842541,
        -0.10103906603541787,
        0.06809705425469112,
        0.015379652102604124,
        -0.1396211168405625,
        1.2329951186255526,
    ),
}
# erf(x) / x in powers of x**2 for |x| <= 1/2, relative
ERF_NEAR_ZERO = {
    False: (
        0.004301425,
        -0.026521789,
        0.11278383,
        -0.37612298,
        1.1283791,
    ),
    True: (
        -9.281718347055656e-08,
        1.5735830126005532e-06,
        -1.4891155869737053e-05,
        0.00012054412977049764,
        -0.000854831227630855,
        0.005223977481709372,
        -0.02686617063687095,
        0.1128379167092934,
        -0.3761263890318339,
        1.1283791670955126,
    ),
}
# erfinv(x) / x for w = -log(1 - x**2), in pieces (largest w, centre, coefficients): the first in
# powers of w - centre, the others in powers of sqrt(w) - centre
ERFINV = {
    False: (
        (
            5.0,
            2.5,
            (
                -8.257049e-09,
                2.8041077e-08,
                4.6016677e-07,
                -3.5221376e-06,
                -4.944132e-06,
                0.00021857298,
                -0.0012527552,
                -0.004177666,
                0.24664028,
                1.5014094,
            ),
        ),
        (
            math.inf,
            3.0,
            (
                0.000113163456,
                -0.0003052137,
                -5.5234286e-05,
                0.0014793987,
                -0.0035967643,
                0.0056895334,
                -0.0076377643,
                0.009444839,
                1.001675,
                2.8329768,
            ),
        ),
    ),
    True: (
        (
            6.25,
            3.125,
            (
                4.343582929308876e-23,
                -1.0699454232643621e-22,
                5.833887995120274e-22,
                5.276525744398615e-21,
                -2.784908945418264e-19,
                9.828184746827676e-19,
                1.4463606865516847e-17,
                -1.276518125879492e-16,
                -2.9256306263423275e-17,
                6.5723249397576006e-15,
                -4.0085327408268876e-14,
                -8.103148658078778e-14,
                2.630809221213092e-12,
                -1.2977531512393342e-11,
                -5.414384438500814e-11,
                1.0512199610890518e-09,
                -4.112658940475562e-09,
                -2.9070385480721885e-08,
                4.234788151687548e-07,
                -1.365469181662621e-06,
                -1.3882523393001155e-05,
                0.00018673420802278498,
                -0.000740702534154851,
                -0.0060336708714274516,
                0.24015818242558834,
                1.6536545626831027,
            ),
        ),
        (
            16.0,
            3.25,
            (
                2.4099891777387905e-09,
                2.1650949944846598e-08,
                -2.165881484959209e-08,
                -6.023909380803643e-08,
                1.385546646970857e-07,
                -1.9844884075172671e-07,
                -3.170408381562893e-08,
                1.450427644549822e-06,
                -3.984345339067387e-06,
                2.945060110961402e-06,
                1.2464783716432755e-05,
                -4.732377496925708e-05,
                6.828713419560133e-05,
                2.4031980066910478e-05,
                -0.0003550378125209504,
                0.0009532893010338739,
                -0.0016882755357187456,
                0.0024914420997460573,
                -0.003751208508211657,
                0.005370914553524336,
                1.0052589676941652,
                3.0838856104922208,
            ),
        ),
        (
            math.inf,
            5.0,
            (
                6.059217026202542e-12,
                6.3652553296724775e-12,
                -5.88240053079197e-11,
                1.3340966323878457e-11,
                1.7113739074076125e-10,
                -3.7964739506096544e-10,
                1.1694475345701872e-09,
                -3.533844959613269e-09,
                7.947937904159462e-09,
                -1.521461083393522e-08,
                2.895153940319131e-08,
                -6.757219651488269e-08,
                2.2907438804028339e-07,
                -9.930256202618097e-07,
                4.526048555553641e-06,
                -1.9681771186439723e-05,
                7.59952784674401e-05,
                -0.00021503011979891537,
                -0.0001387193183935725,
                1.0103004648645448,
                4.849906401408584,
            ),
        ),
    ),
}


def _erf(x: Value) -> Value:
    return (_erf_double(x.abs()) if x.is_double else _erf_float(x.abs())).with_sign_of(x)


def _erf_float(magnitude: Value) -> Value:
    t = magnitude.at_most(3.95)
    y = _times_polynomial(t, LOG2_ERFC)
    shift = 1.5 * 2.0**23
    shifted = y + shift
    f = y - (shifted - shift)
    scale = ((shifted.bits() << 23) + (127 << 23)).as_float()
    return scale.fma(_times_polynomial(f, EXP2M1[False]), scale - 1.0)


def _times_polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    """``x`` times the polynomial in x, rounded only once where x is small."""
    return x.fma(coefficients[-1], x * x * x.polynomial(coefficients[:-1]))


def _erf_double(magnitude: Value) -> Value:
    t = magnitude.at_most(5.95)
    reduced = Reduced(-t * t.polynomial(MINUS_LOG_ERFC))
    scale = reduced.power()
    return scale.fma(expm1_polynomial(reduced.r), scale - 1.0)


def _erfc(x: Value) -> Value:
    """``exp(-t**2) ((1 + 2 t) exp(t**2) erfc(t)) / (1 + 2 t)`` with ``t = |x|``, the middle factor
    a polynomial in ``(t - 4) / (t + 4)`` (Shepherd and Laframboise, 1981); 2 less that for negative
    x; ``1 - erf(x)`` near 0."""
    t = x.abs().at_most(27.5 if x.is_double else 10.5)
    q = (t - 4.0) / (t + 4.0)
    scaled = q.polynomial(SCALED_ERFC[x.is_double])
    twice = t + t
    below = twice + 1.0
    factor = scaled / below
    # what the quotient lost, relative to it: the polynomial stays within 6 % of 1 / 0.85
    lost = factor.fma(below - twice - 1.0, factor.fma(-below, scaled)) * 0.85
    square = t * t
    reduced = Reduced(-square)
    small = expm1_polynomial(reduced.r)
    rest = t.fma(t, -square) - lost
    small = small - small.fma(rest, rest)
    tail = reduced.scale(factor.fma(small, factor), square > 0.5)
    far = (x < 0.0).select(2.0 - tail, tail)
    z = x * x
    near = x.fma(-z.polynomial(ERF_NEAR_ZERO[x.is_double]), x.constant(1.0))
    return (t < 0.5).select(near, far)


def _erfinv(x: Value) -> Value:
    """``x`` times a function of ``w = -log(1 - x**2)``, in pieces as Giles has it ("Approximating
    the erfinv function", GPU Computing Gems, 2012)."""
    t = x.abs()
    w = -log((1.0 - t) * (t + 1.0))
    root = w.sqrt()
    (bound, centre, coefficients), *tails = ERFINV[x.is_double]
    result = (w - centre).polynomial(coefficients)
    for next_bound, centre, coefficients in tails:
        result = (w < bound).select(result, (root - centre).polynomial(coefficients))
        bound = next_bound
    limit = t.equals(1.0).select(t.constant(math.inf), math.nan)
    return (t < 1.0).select(result * t, limit).with_sign_of(x)


EMITTERS: dict[str, Emitter] = {
    "erf": emitter(_erf),
    "erfc": emitter(_erfc),
    "erfinv": emitter(_erfinv),
}
