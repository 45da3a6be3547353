"""Complex numbers: made of parts, taken apart, conjugated, their angle.

A gradient with respect to a complex number is TF1's: of a real loss, its derivative along the real
part plus i times that along the imaginary part.  So what flows through a holomorphic function is
multiplied by the conjugate of its derivative: an op that says ``holomorphic`` gets the conjugates
of its operands and outputs in ``vjp``, and writes it as for real numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir.dtype import COMPLEX, DType, complex64, complex128, float32, float64
from graphc.ir.op import Elementwise, Refuses, Sample
from graphc.ops.elementwise import complex_text

PLANE: list[Sample | Refuses] = [
    Sample("complex64[3, 4]"),
    Sample("complex128[5]"),
    Sample("complex64[]"),
    Sample("complex128[0, 2]"),
]
PLANE_PAIRS: list[Sample | Refuses] = [
    Sample("complex64[3, 4]", "complex64[4]"),
    Sample("complex128[2, 1]", "complex128[3]"),
    Sample("complex64[2]", "complex64[]"),
    Sample("complex64[0, 3]", "complex64[1, 3]"),
    Refuses("complex64[2]", "complex128[2]", "dtypes of x and y differ"),
]
NOT_REAL: list[Sample | Refuses] = [
    Refuses("float32[2]", "x must be complex64, complex128, got float32[2]")
]
NOT_FIELD: list[Sample | Refuses] = [
    Refuses("int32[2]", "x must be floating or complex, got int32[2]")
]
ROUND: list[Sample | Refuses] = [  # where formulas divide by zero, cancel or overflow
    Sample("complex64[9]", gradient=False, values={
        0: [0, 1, -1, 1j, -1j, 1e-20 + 1e-20j, 3e20 - 4e20j, 1 + 1e-4j, -1e-10 - 2j]}),
]  # fmt: skip


class Complex(Elementwise):
    """``z = real + i imag``: of float32 complex64, of float64 complex128."""

    operands = ("real", "imag")
    dtypes = (float32, float64)

    def result_dtype(self, dtype: DType) -> DType:
        return complex64 if dtype is float32 else complex128

    def reference(self, real: np.ndarray, imag: np.ndarray) -> np.ndarray:
        shape = np.broadcast_shapes(np.shape(real), np.shape(imag))
        z = np.empty(shape, np.complex64 if real.dtype == np.float32 else np.complex128)
        z.real, z.imag = real, imag
        return z

    def scalar(self, real: Any, imag: Any) -> str:
        return f"complex_of({real}, {imag})"

    def vjp(self, b: Any, ct: Any, z: Any, real: Any, imag: Any) -> list:
        return [b.real(ct), b.imag(ct)]

    samples = [
        Sample("float32[3, 4]", "float32[4]"),
        Sample("float64[5]", "float64[]"),
        Sample("float32[0]", "float32[1]"),
        Sample("float32[4]", "float32[4]", gradient=False,
               values={0: [np.inf, 1, np.nan, -0.0], 1: [1, -np.inf, 2, 0.0]}),
        Refuses("int32[2]", "int32[2]", "real must be floating, got int32[2]"),
        Refuses("float32[2]", "float64[2]", "dtypes of real and imag differ"),
    ]  # fmt: skip


class Plane(Elementwise, abstract=True):
    """One complex operand."""

    operands = ("x",)
    dtypes = COMPLEX


class Real(Plane):
    """``y``: the real part."""

    def result_dtype(self, dtype: DType) -> DType:
        return dtype.real

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.array(np.real(x))

    def scalar(self, x: Any) -> str:
        return f"real_part({x})"

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.complex(ct, b.tensor(0, like=ct))]

    samples = [*PLANE, *NOT_REAL]


class Imag(Plane):
    """``y``: the imaginary part."""

    def result_dtype(self, dtype: DType) -> DType:
        return dtype.real

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.array(np.imag(x))

    def scalar(self, x: Any) -> str:
        return f"imag_part({x})"

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.complex(b.tensor(0, like=ct), ct)]

    samples = [*PLANE, *NOT_REAL]


class Conj(Plane):
    """``y``: ``x`` with the sign of its imaginary part changed."""

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.conjugate(x)

    def scalar(self, x: Any) -> str:
        return complex_text.conjugate(x)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.conj(ct)]

    samples = [*PLANE, *NOT_REAL]


class Angle(Plane):
    """``y``: the angle of ``x`` with the positive real axis, in ``[-pi, pi]``."""

    transcendental = True

    def result_dtype(self, dtype: DType) -> DType:
        return dtype.real

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(np.angle(x), np.real(x).dtype)

    def scalar(self, x: Any) -> str:
        return complex_text.angle(x)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        turned = b.complex(b.imag(x), b.real(x))
        return [b.neg(b.realdiv(b.cast(ct, dtype=x.dtype), turned))]

    samples = [*PLANE, *NOT_REAL]
