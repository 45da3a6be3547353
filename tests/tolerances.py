"""How close is equal, per dtype: the one table that tests compare floating results by."""

from __future__ import annotations

import numpy as np

from graphc.ir.dtype import DType, bfloat16
from graphc.ops.running.precision import bfloat16_values

# dtype: (relative, absolute).  float16 results are rounded once from float32.
TOLERANCES = {
    "float16": (2e-3, 1e-4),
    "bfloat16": (1.6e-2, 1e-3),
    "float32": (2e-5, 2e-6),
    "float64": (1e-11, 1e-12),
    "complex64": (2e-5, 2e-6),
    "complex128": (1e-11, 1e-12),
}
# A derivative against central differences in float64: the step's error, not the dtype's.
FINITE_DIFFERENCE = (1e-5, 1e-6)
STEP = 1e-6


def assert_close(
    actual: np.ndarray, expected: np.ndarray, slack: float = 1.0, dtype: DType | None = None
) -> None:
    """Same dtype, same shape, and values as close as the dtype allows, ``slack`` times over.

    NaN equals NaN; integers, bools and objects are equal exactly.  ``dtype`` says what the arrays
    hold where that is not their own dtype (bfloat16 travels as bits).
    """
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype == expected.dtype, f"dtype {actual.dtype}, expected {expected.dtype}"
    assert actual.shape == expected.shape, f"shape {actual.shape}, expected {expected.shape}"
    relative, absolute = TOLERANCES.get(str(dtype or actual.dtype), (0.0, 0.0))
    if dtype is bfloat16:
        actual, expected = bfloat16_values(actual), bfloat16_values(expected)
    if relative:
        np.testing.assert_allclose(
            actual, expected, rtol=slack * relative, atol=slack * absolute, equal_nan=True
        )
    else:
        np.testing.assert_array_equal(actual, expected)
