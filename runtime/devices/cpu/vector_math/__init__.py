"""The transcendental words as branch-free scalar LLVM IR, which the loop vectoriser makes full
width.

``EMITTERS[word](builder, *values) -> value`` for float32 and float64 values.  Selects and integer
arithmetic on the bits only: no branch, no call that stays a call, no table in memory, no fast-math
flag.  NaN, infinities, signed zeros and denormals come out as IEEE 754 has them.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from runtime.devices.cpu.vector_math import (
    error_function,
    exp_log,
    hyperbolic,
    inverse_trig,
    power,
    trig,
)

EMITTERS: dict[str, Callable[..., ir.Value]] = {
    **exp_log.EMITTERS,
    **error_function.EMITTERS,
    **trig.EMITTERS,
    **hyperbolic.EMITTERS,
    **power.EMITTERS,
    **inverse_trig.EMITTERS,
}
