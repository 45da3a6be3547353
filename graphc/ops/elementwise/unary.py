"""Arithmetic of one operand: sign, magnitude, squares, rounding."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir.dtype import COMPLEX, FLOATING, REAL, SIGNED, DType
from graphc.ir.op import Elementwise, NotDifferentiable, Refuses, Sample
from graphc.ops.elementwise import complex_text
from graphc.ops.elementwise.arithmetic import each_dim
from graphc.ops.elementwise.complex import NOT_FIELD, PLANE, ROUND

SINGLES: list[Sample | Refuses] = [
    Sample("float32[3, 4]"),
    Sample("float64[5]"),
    Sample("float16[2, 3]"),
    Sample("bfloat16[3]"),
    Sample("float32[]"),
    Sample("float32[0, 2]"),
    Sample("float32[6]", values={0: [np.nan, np.inf, -np.inf, 0.0, 1e-40, 2.5]}, gradient=False),
]


class Unary(Elementwise, abstract=True):
    """One operand."""

    operands = ("x",)
    dtypes = FLOATING


class Neg(Unary):
    """``y = -x``."""

    dtypes = FLOATING + SIGNED + COMPLEX
    linear = True

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.negative(x)

    def scalar(self, x: Any) -> str:
        return f"-{x}" if x.floating else f"neg({x})"

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.neg(ct)]

    def dims_value(self, x: Any) -> Any:
        return each_dim(lambda p: -p, x)

    samples = [
        *SINGLES,
        *PLANE,
        Sample("int32[5]", low=-9, high=9),
        Refuses("bool[2]", "x must be numeric, got bool[2]"),
    ]


class Abs(Unary):
    """``y = |x|``, of a complex number a real one; the least integer stays itself."""

    dtypes = FLOATING + SIGNED + COMPLEX
    idempotent = True

    def result_dtype(self, dtype: DType) -> DType:
        return dtype.real

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.abs(x)

    def scalar(self, x: Any) -> str:
        return complex_text.magnitude(x) if x.complex else f"abs({x})"

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        if x.dtype.is_complex:
            ct = b.cast(ct, dtype=x.dtype)
        return [b.mul(ct, b.sign(x))]

    samples = [
        *SINGLES,
        *PLANE,
        *ROUND,
        Sample("int8[3]", values={0: [-128, -5, 5]}),
        Refuses("bool[2]", "x must be numeric, got bool[2]"),
    ]


class Sign(Unary):
    """``y``: -1, 0 or 1; NaN stays NaN.  Its gradient is 0, as in TF1.

    Of a complex number ``x / |x|``, and 0 of 0.
    """

    dtypes = FLOATING + SIGNED + COMPLEX
    idempotent = True

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.sign(x)

    def scalar(self, x: Any) -> str:
        return complex_text.sign(x) if x.complex else f"sign({x})"

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        if not x.dtype.is_complex:
            return [b.zeros_like(x)]
        size = b.abs(x)  # what moves x along itself changes nothing
        nothing = b.equal(size, b.tensor(0, like=size))
        size = b.cast(b.where(nothing, b.tensor(1, like=size), size), dtype=x.dtype)
        moved = b.realdiv(ct, size)
        along = b.cast(b.real(b.mul(b.conj(y), moved)), dtype=x.dtype)
        return [b.sub(moved, b.mul(y, along))]

    samples = [
        *SINGLES,
        *PLANE,
        Sample("complex64[3]", values={0: [0, 3 + 4j, 1e-30j]}, gradient=False),
        Sample("int32[3]", values={0: [-4, 0, 9]}),
        Refuses("bool[2]", "x must be numeric, got bool[2]"),
    ]


class Square(Unary):
    """``y = x * x``."""

    dtypes = REAL + COMPLEX
    holomorphic = True

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.square(x)

    def scalar(self, x: Any) -> str:
        return f"{x} * {x}" if x.floating else f"mul({x}, {x})"

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(b.mul(ct, 2), x)]

    samples = [
        *SINGLES,
        *PLANE,
        Sample("int32[5]", low=-9, high=9),
        Refuses("bool[2]", "x must be numeric, got bool[2]"),
    ]


class Reciprocal(Unary):
    """``y = 1 / x``."""

    dtypes = FLOATING + COMPLEX
    holomorphic = True

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.divide(np.ones((), x.dtype), x)

    def scalar(self, x: Any) -> str:
        return complex_text.reciprocal(x) if x.complex else f"{x.one} / {x}"

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.neg(b.mul(ct, b.square(y)))]

    samples = [
        *SINGLES,
        Sample("float64[5]", low=0.5, high=3),
        *PLANE,
        *NOT_FIELD,
    ]


NOT_INTEGER: list[Sample | Refuses] = [Refuses("int32[2]", "x must be floating, got int32[2]")]


class Floor(Unary):
    """``y``: the largest integer value <= ``x``."""

    idempotent = True
    vjp = NotDifferentiable("floor is a step")

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.floor(x)

    def scalar(self, x: Any) -> str:
        return f"floor({x})"

    samples = [*SINGLES, *NOT_INTEGER]


class Ceil(Unary):
    """``y``: the smallest integer value >= ``x``."""

    idempotent = True
    vjp = NotDifferentiable("ceil is a step")

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.ceil(x)

    def scalar(self, x: Any) -> str:
        return f"ceil({x})"

    samples = [*SINGLES, *NOT_INTEGER]


class Rint(Unary):
    """``y``: the nearest integer value; halves go to the even one."""

    idempotent = True
    vjp = NotDifferentiable("rint is a step")

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.rint(x)

    def scalar(self, x: Any) -> str:
        return f"rint({x})"

    samples = [*SINGLES, *NOT_INTEGER, Sample("float32[4]", values={0: [0.5, 1.5, 2.5, -0.5]})]


class Round(Unary):
    """``y``: the nearest integer value; halves go to the even one; integers stay."""

    dtypes = REAL
    idempotent = True
    vjp = NotDifferentiable("round is a step")

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.rint(x) if x.dtype.kind == "f" else x

    def scalar(self, x: Any) -> str:
        return f"rint({x})" if x.floating else str(x)

    samples = [*SINGLES, Sample("int32[4]"), Refuses("bool[2]", "x must be numeric, got bool[2]")]
