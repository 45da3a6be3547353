"""The transcendental words as branch-free scalar LLVM IR, which the loop vectoriser makes full
width.

``EMITTERS[word](builder, *values) -> value`` for float32 and float64 values.  Selects and integer
arithmetic on the bits only: no branch, no call that stays a call, no table in memory, no fast-math
flag.  NaN, infinities, signed zeros and denormals come out as IEEE 754 has them.
"""

from __future__ import annotations

from runtime.devices.cpu.vector_math import (
    error_function,
    exp_log,
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
    **hyperbolic.EMITTERS,
    **power.EMITTERS,
    **inverse_trig.EMITTERS,
}

# The largest error in units in the last place: in float32 over every argument (sampled for atan2
# and pow), in float64 over samples.
ACCURACY: dict[str, tuple[float, float]] = {
    "exp": (1.0, 1.0),
    "expm1": (1.6, 2.0),
    "log": (1.2, 1.5),
    "log1p": (1.8, 1.5),
    "log2": (1.6, 1.6),
    "tanh": (2.5, 2.0),
    "sigmoid": (2.3, 2.0),
    "erf": (2.6, 2.0),
    "erfc": (2.6, 2.0),
    "erfinv": (3.0, 2.0),
    "sin": (1.7, 1.0),
    "cos": (1.7, 1.0),
    "tan": (3.0, 1.7),
    "asin": (1.8, 1.3),
    "acos": (1.4, 1.0),
    "atan": (1.5, 1.9),
    "atan2": (1.8, 2.0),
    "sinh": (1.8, 1.8),
    "cosh": (1.5, 1.5),
    "asinh": (2.5, 1.8),
    "acosh": (2.5, 1.8),
    "atanh": (2.5, 1.5),
    "pow": (1.2, 1.1),
}
