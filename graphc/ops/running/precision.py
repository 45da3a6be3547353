"""Calling an op's NumPy meaning: in what precision it computes, and what storage types become.

:func:`in_float32` and :func:`in_float64` wrap a ``reference``; :func:`reference_values` is how
everything outside an op calls one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from graphc.ir.dtype import DType, bfloat16
from graphc.ir.op import Op
from graphc.ir.types import TensorType


def in_float32(reference: Callable[..., Any]) -> Callable[..., Any]:
    """Compute float16 operands in float32 and round the result once."""
    return _computed_in(reference, {np.dtype(np.float16): np.float32})


def in_float64(reference: Callable[..., Any]) -> Callable[..., Any]:
    """Compute every floating operand in float64 (complex ones of such parts) and round the result
    once to its dtype."""
    return _computed_in(
        reference,
        {
            np.dtype(np.float16): np.float64,
            np.dtype(np.float32): np.float64,
            np.dtype(np.complex64): np.complex128,
        },
    )


def _computed_in(reference: Callable[..., Any], wider: dict) -> Callable[..., Any]:
    @wraps(reference)
    def compute(self: Op, *arrays: np.ndarray) -> np.ndarray:
        arrays = tuple(np.asarray(a) for a in arrays)
        given = arrays[0].dtype
        with np.errstate(all="ignore"):
            if given not in wider:
                return reference(self, *arrays)
            result = reference(self, *(a.astype(wider.get(a.dtype, a.dtype)) for a in arrays))
            return np.asarray(result).astype(given)

    return compute


def reference_values(
    op: Op,
    arrays: Sequence[np.ndarray],
    operands: Sequence[TensorType],
    results: Sequence[TensorType],
) -> tuple[np.ndarray, ...]:
    """The outputs of ``op`` by its NumPy meaning (a host op's by running it).

    bfloat16 arrays are bits (uint16) here and float32 inside the op.  ``results`` are the output
    types as far as they are known: only their dtypes are used.
    """
    given = [_widened(a, t.dtype) for a, t in zip(arrays, operands, strict=True)]
    with np.errstate(all="ignore"):
        values = (op.host or op.reference)(*given)
    if not isinstance(values, tuple):
        values = () if values is None and not results else (values,)
    if len(values) != len(results):
        raise AssertionError(
            f"bug in graphc: {op.name} has {len(results)} outputs, its reference gave {len(values)}"
        )
    return tuple(_stored(v, t.dtype) for v, t in zip(values, results, strict=True))


def _widened(array: np.ndarray, dtype: DType) -> np.ndarray:
    return bfloat16_values(array) if dtype is bfloat16 and array.dtype == np.uint16 else array


def _stored(value: Any, dtype: DType) -> np.ndarray:
    if dtype.is_string:  # NumPy would take a lone string for an array of characters
        return np.asarray(value, object)
    array = np.asarray(value)
    if dtype is bfloat16 and array.dtype == np.float32:
        return bfloat16_bits(array)
    return array


def bfloat16_values(bits: np.ndarray) -> np.ndarray:
    """The float32 of each bfloat16 given by its bits."""
    return np.asarray(np.asarray(bits).astype(np.uint32) << 16).view(np.float32)


def bfloat16_bits(array: np.ndarray) -> np.ndarray:
    """The nearest bfloat16 of each float32, ties to even, as bits; NaN stays NaN."""
    bits = np.ascontiguousarray(array).reshape(array.shape).view(np.uint32)
    rounded = (bits + (0x7FFF + ((bits >> 16) & 1)).astype(np.uint32)) >> 16
    return np.where(np.isnan(array), (bits >> 16) | 0x40, rounded).astype(np.uint16)
