"""Arrays to call with: ordinary ones, and those at the edges.

Made from the shape and a seed alone, so that recording and comparing see the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.against_tensorflow.outcome import Fed

SPECIAL = (0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 0.5, -2.5, 1e-30, 3e30)


def reals(
    *shape: int, low: float = -2.0, high: float = 2.0, dtype: str = "float32", seed: int = 0
) -> np.ndarray:
    """Numbers spread over [low, high), no two alike, from a multiplicative sequence."""
    count = int(np.prod(shape))
    unit = ((np.arange(count) + 1 + seed * 17) * 0.6180339887498949) % 1.0
    return (low + (high - low) * unit).astype(dtype).reshape(shape)


def whole(
    *shape: int, low: int = -5, high: int = 6, dtype: str = "int32", seed: int = 0
) -> np.ndarray:
    """Integers in [low, high)."""
    count = int(np.prod(shape))
    return (low + (np.arange(count) * 7 + seed * 3) % (high - low)).astype(dtype).reshape(shape)


def truths(*shape: int, seed: int = 0) -> np.ndarray:
    return whole(*shape, low=0, high=5, seed=seed) % 2 == 0


def special(dtype: str = "float32") -> np.ndarray:
    return np.array(SPECIAL, dtype)


def texts(*values: Any) -> np.ndarray:
    found = np.empty(len(values), object)
    found[:] = [v.encode() if isinstance(v, str) else v for v in values]
    return found


def fed(array: Any, static: Any = None, **more: Any) -> Fed:
    return Fed(np.asarray(array), static, **more)
