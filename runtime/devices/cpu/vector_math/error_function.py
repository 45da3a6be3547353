"""erf: ``1 - erfc(|x|)`` with ``log(erfc(t)) / t`` as one polynomial over all t that matter.

Written ``-expm1(log(erfc(|x|)))`` nothing cancels, neither near 0 nor near 1, and no branch is
needed. float32 works in powers of 2, which saves the multiples of ln2; float64 in powers of e,
which rounds once less near 0.
"""

from __future__ import annotations

from runtime.devices.cpu.vector_math.exp_log import Reduced, emitter, expm1_polynomial
from runtime.devices.cpu.vector_math.value import Value

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
# (2**f - 1) / f on [-1/2, 1/2], relative: 2**-26.2
EXP2M1 = (0.000153824, 0.0013387394, 0.00961831, 0.055503674, 0.2402265, 0.6931472)
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


def _erf(x: Value) -> Value:
    return (_erf_double(x.abs()) if x.is_double else _erf_float(x.abs())).with_sign_of(x)


def _erf_float(magnitude: Value) -> Value:
    t = magnitude.at_most(3.95)
    y = t * t.polynomial(LOG2_ERFC)
    shift = 1.5 * 2.0**23
    shifted = y + shift
    f = y - (shifted - shift)
    scale = ((shifted.bits() << 23) + (127 << 23)).as_float()
    return scale.fma(f * f.polynomial(EXP2M1), scale - 1.0)


def _erf_double(magnitude: Value) -> Value:
    t = magnitude.at_most(5.95)
    reduced = Reduced(-t * t.polynomial(MINUS_LOG_ERFC))
    scale = reduced.power()
    return scale.fma(expm1_polynomial(reduced.r), scale - 1.0)


EMITTERS = {"erf": emitter(_erf)}
