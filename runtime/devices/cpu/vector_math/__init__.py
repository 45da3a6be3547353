"""The transcendental words as branch-free scalar LLVM IR, which vectorises to full width.

``EMITTERS[word](builder, *values) -> value`` for float32 and float64 values.  Selects and integer
arithmetic on the bits only: no branch, no call that stays a call, no fast-math flag, no float64
for float32 (but in lgamma and digamma).  One table in memory: float64 sin, cos and tan read 1 KB of
2 / pi.  NaN, infinities, signed zeros and denormals come out as IEEE 754 has them; an angle may be
any finite number.

Measured: the largest error in units in the last place, in float32 over all 2**32 arguments (samples
for atan2 and pow), in float64 over some 10**6 samples (10**4 for erf, erfc, erfinv); then the
nanoseconds an element takes in cache, in float32 and float64, on one thread of an AVX-512 core
(copying an element there takes 0.04, streaming it from memory 0.11).

    word      float32  float64     ns      ns      word      float32  float64     ns      ns
    exp          0.93     0.83   0.11    0.36      tan          3.14     1.56   0.60    2.77
    expm1        1.53     1.79   0.11    0.39      asin         1.68     1.10   0.13    0.63
    log          1.14     1.17   0.15    0.45      acos         1.14     0.76   0.16    0.72
    log1p        1.76     1.18   0.15    0.55      atan         1.37     1.74   0.16    0.51
    log2         1.48     1.43   0.16    0.46      atan2        1.56     1.86   0.19    0.84
    tanh         2.57     1.84   0.14    0.68      sinh         1.63     1.56   0.17    0.59
    sigmoid      2.41     1.92   0.15    0.64      cosh         1.36     1.28   0.13    0.46
    erf          1.63     1.81   0.24    1.54      asinh        2.16     1.55   0.35    1.18
    erfc         2.35     1.69   0.38    1.46      acosh        2.41     1.45   0.27    1.05
    erfinv       2.73     1.83   0.58    3.39      atanh        2.34     1.19   0.20    0.82
    sin          1.58     0.87   0.60    2.61      pow          0.96     0.93   1.11    2.63
    cos          1.58     0.90   0.60    2.63
    lgamma       0.50    *10     3.2     2.8       digamma      0.50    *10     2.3     2.1

(*) of the terms that cancel near a zero; lgamma at positive arguments keeps 4.  These two compute
float32 in float64.
"""

from __future__ import annotations

from runtime.devices.cpu.vector_math import (
    error_function,
    exp_log,
    gamma,
    hyperbolic,
    inverse_trig,
    power,
    trig,
)
from runtime.devices.cpu.vector_math.value import Emitter

EMITTERS: dict[str, Emitter] = {
    **exp_log.EMITTERS,
    **error_function.EMITTERS,
    **trig.EMITTERS,
    **gamma.EMITTERS,
    **hyperbolic.EMITTERS,
    **power.EMITTERS,
    **inverse_trig.EMITTERS,
}

# The largest error allowed, in units in the last place: (float32, float64).  The table above is
# what was measured; the tests hold the words to this.
ACCURACY: dict[str, tuple[float, float]] = {
    "exp": (1.0, 1.0),
    "expm1": (1.6, 1.9),
    "log": (1.2, 1.3),
    "log1p": (1.8, 1.3),
    "log2": (1.5, 1.6),
    "tanh": (2.6, 2.0),
    "sigmoid": (2.5, 2.0),
    "erf": (1.7, 2.0),
    "erfc": (2.4, 1.8),
    "erfinv": (2.8, 1.9),
    "sin": (1.6, 1.0),
    "cos": (1.6, 1.0),
    "tan": (3.2, 1.7),
    "asin": (1.7, 1.2),
    "acos": (1.2, 0.9),
    "atan": (1.4, 1.9),
    "atan2": (1.7, 2.0),
    "sinh": (1.7, 1.7),
    "cosh": (1.4, 1.4),
    "asinh": (2.2, 1.7),
    "acosh": (2.5, 1.5),
    "atanh": (2.4, 1.3),
    "pow": (1.1, 1.1),
    "lgamma": (0.51, 16.0),
    "digamma": (0.51, 16.0),
}
