"""Comparisons, logic, selection and casts."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from graphc.ir.dtype import (
    COMPLEX,
    FLOATING,
    INTEGER,
    REAL,
    DType,
    bool_,
    float16,
    int32,
    int64,
    string,
)
from graphc.ir.op import REQUIRED, Elementwise, NotDifferentiable, Refuses, Sample
from graphc.ir.types import DTypeMismatch, TensorType, broadcast, same_dtype
from graphc.ops.elementwise import complex_text
from graphc.ops.elementwise.complex import PLANE_PAIRS

NOTHING_FLOWS = NotDifferentiable("its output is bool")

SPECIAL_PAIRS = {0: [np.nan, 1, np.inf, 0.0, -1], 1: [np.nan, np.nan, np.inf, -0.0, 1]}
TRUTH = {0: [True, True, False, False], 1: [True, False, True, False]}


class Comparison(Elementwise, abstract=True):
    """``z = x <word> y``, a bool; every comparison with NaN is False, except ``!=``."""

    operands = ("x", "y")
    dtypes = REAL
    vjp = NOTHING_FLOWS
    word: ClassVar[str]
    numpy: ClassVar[Any]

    def result_dtype(self, dtype: DType) -> DType:
        return bool_

    def reference(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return self.numpy(x, y)

    def scalar(self, x: Any, y: Any) -> str:
        return f"{self.word}({x}, {y})"


COMPARED: list[Sample | Refuses] = [
    Sample("float32[3, 4]", "float32[4]"),
    Sample("float64[2, 1]", "float64[3]"),
    Sample("float16[4]", "float16[]"),
    Sample("bfloat16[4]", "bfloat16[]"),
    Sample("int32[9]", "int32[9]", low=-2, high=2),
    Sample("uint8[4]", "uint8[1]", low=0, high=3),
    Sample("float32[0]", "float32[1]"),
    Sample("float32[5]", "float32[5]", values=SPECIAL_PAIRS),
    Refuses("float32[2]", "int32[2]", "dtypes of x and y differ"),
    Refuses("float32[2]", "float32[3]", "shapes do not broadcast (axis -1)"),
]
ORDERED = [*COMPARED, Refuses("bool[2]", "bool[2]", "x must be numeric, got bool[2]")]
EQUATED = [
    *COMPARED,
    *PLANE_PAIRS,
    Sample("complex64[3]", "complex64[3]", values={0: [1, 1j, np.nan], 1: [1, -1j, np.nan]}),
    Sample("bool[4]", "bool[4]", values=TRUTH),
    Sample("string[3]", "string[3]", values={0: [b"a", b"", b"b"], 1: [b"a", b"b", b""]}),
]


class Equal(Comparison):
    """``z = x == y``."""

    dtypes = (*REAL, *COMPLEX, bool_, string)
    commutative = True
    word, numpy = "eq", np.equal
    samples = EQUATED


class NotEqual(Comparison):
    """``z = x != y``."""

    dtypes = (*REAL, *COMPLEX, bool_, string)
    commutative = True
    word, numpy = "ne", np.not_equal
    samples = EQUATED


class Less(Comparison):
    """``z = x < y``."""

    word, numpy = "lt", np.less
    samples = ORDERED


class LessEqual(Comparison):
    """``z = x <= y``."""

    word, numpy = "le", np.less_equal
    samples = ORDERED


class Greater(Comparison):
    """``z = x > y``."""

    word, numpy = "gt", np.greater
    samples = ORDERED


class GreaterEqual(Comparison):
    """``z = x >= y``."""

    word, numpy = "ge", np.greater_equal
    samples = ORDERED


class Logical(Comparison, abstract=True):
    """Bools in, bool out."""

    dtypes = (bool_,)
    commutative = True


LOGIC = [
    Sample("bool[4]", "bool[4]", values=TRUTH),
    Sample("bool[3, 4]", "bool[4]"),
    Sample("bool[0]", "bool[]"),
    Refuses("int32[2]", "int32[2]", "x must be bool, got int32[2]"),
]


class LogicalAnd(Logical):
    """``z = x and y``."""

    associative = idempotent = True
    identity_element = True
    word, numpy = "logical_and", np.logical_and
    samples = LOGIC


class LogicalOr(Logical):
    """``z = x or y``."""

    associative = idempotent = True
    identity_element = False
    word, numpy = "logical_or", np.logical_or
    samples = LOGIC


class LogicalXor(Logical):
    """``z = x or y, not both``."""

    associative = True
    identity_element = False
    word, numpy = "ne", np.logical_xor
    samples = LOGIC


class LogicalNot(Elementwise):
    """``y = not x``."""

    operands = ("x",)
    dtypes = (bool_,)
    vjp = NOTHING_FLOWS

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.logical_not(x)

    def scalar(self, x: Any) -> str:
        return f"logical_not({x})"

    samples = [
        Sample("bool[2, 3]"),
        Sample("bool[]"),
        Refuses("float32[2]", "x must be bool, got float32[2]"),
    ]


class FloatTest(Elementwise, abstract=True):
    """A property of a floating number."""

    operands = ("x",)
    dtypes = FLOATING
    vjp = NOTHING_FLOWS
    word: ClassVar[str]
    numpy: ClassVar[Any]

    def result_dtype(self, dtype: DType) -> DType:
        return bool_

    def reference(self, x: np.ndarray) -> np.ndarray:
        return self.numpy(x)

    def scalar(self, x: Any) -> str:
        return f"{self.word}({x})"

    samples = [
        Sample("float32[5]", values={0: [np.nan, np.inf, -np.inf, 0.0, 1e-40]}),
        Sample("float64[5]", values={0: [np.nan, np.inf, -np.inf, 0.0, 1e-310]}),
        Sample("float16[2, 3]"),
        Refuses("int32[2]", "x must be floating, got int32[2]"),
    ]


class IsNan(FloatTest):
    """``y``: whether ``x`` is NaN."""

    word, numpy = "isnan", np.isnan


class IsInf(FloatTest):
    """``y``: whether ``x`` is an infinity."""

    word, numpy = "isinf", np.isinf


class IsFinite(FloatTest):
    """``y``: whether ``x`` is neither NaN nor an infinity."""

    word, numpy = "isfinite", np.isfinite


class Select(Elementwise):
    """``z = x where condition else y``; the three broadcast."""

    name = "where"
    operands = ("condition", "x", "y")
    dtypes = (*REAL, *COMPLEX, bool_, string)

    def infer_type(self, *types: TensorType) -> TensorType:
        condition, x, y = types
        if condition.dtype is not bool_:
            raise DTypeMismatch(f"condition must be bool, got {condition}")
        dtype = same_dtype(x=x, y=y)
        if dtype not in self.dtypes:
            raise DTypeMismatch(f"x must be numeric or bool, got {x}")
        return TensorType(dtype, broadcast(condition=condition, x=x, y=y))

    def reference(self, condition: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.where(condition, x, y)

    def scalar(self, condition: Any, x: Any, y: Any) -> str:
        return f"where({condition}, {x}, {y})"

    def vjp(self, b: Any, ct: Any, z: Any, condition: Any, x: Any, y: Any) -> list:
        zero = b.tensor(0, like=ct)
        return [None, b.where(condition, ct, zero), b.where(condition, zero, ct)]

    samples = [
        Sample("bool[3, 4]", "float32[3, 4]", "float32[3, 4]"),
        Sample("bool[3, 1]", "float64[4]", "float64[]"),
        Sample("bool[]", "float16[2, 3]", "float16[3]"),
        Sample("bool[2]", "bfloat16[2]", "bfloat16[2]"),
        Sample("bool[4]", "int32[4]", "int32[4]"),
        Sample("bool[4]", "bool[4]", "bool[]"),
        Sample("bool[3]", "string[3]", "string[]"),
        Sample("bool[0]", "float32[0]", "float32[1]"),
        Refuses("float32[2]", "float32[2]", "float32[2]", "condition must be bool, got float32[2]"),
        Refuses("bool[2]", "float32[2]", "int32[2]", "dtypes of x and y differ"),
        Refuses("bool[2]", "float32[3]", "float32[3]", "shapes do not broadcast (axis -1)"),
    ]


class Cast(Elementwise):
    """``x`` as another dtype: toward zero from floating to integer, ``x != 0`` to bool.

    A floating value outside the integer's range gives some integer.  Of a complex number it is the
    real part that becomes what is not complex.
    """

    operands = ("x",)
    attributes = {"dtype": REQUIRED}
    dtypes = (*REAL, *COMPLEX, bool_)

    def infer_type(self, *types: TensorType) -> TensorType:
        (x,) = types
        if x.dtype not in self.dtypes:
            raise DTypeMismatch(f"x must be numeric or bool, got {x}")
        if self.dtype not in self.dtypes:
            raise DTypeMismatch(f"x cannot become {self.dtype}", x=x)
        return x.with_dtype(self.dtype)

    def reference(self, x: np.ndarray) -> np.ndarray:
        x = np.asarray(x)
        if x.dtype.kind == "c" and not self.dtype.is_complex:
            x = np.real(x)
        if self.dtype.is_floating and self.dtype.size == 2:
            # Half precision is reached through float32, as kernels do; the caller stores bfloat16.
            single = x.astype(np.float32)
            return single.astype(np.float16) if self.dtype is float16 else single
        return x.astype(self.dtype.numpy)

    def scalar(self, x: Any) -> str:
        if x.complex:
            return complex_text.cast(x, str(self.dtype))
        if self.dtype.is_complex:
            return complex_text.complex_from(x, str(self.dtype))
        return f"to_{self.dtype}({x})"

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        if not (x.dtype.is_differentiable and self.dtype.is_differentiable):
            return [None]
        return [b.cast(ct, dtype=x.dtype)]

    def dims_value(self, x: Any) -> Any:
        return x if self.dtype in (int32, int64) else None

    samples = [
        *(Sample("float32[3, 4]", low=-9, high=9, dtype=d) for d in (*FLOATING, bool_)),
        *(Sample("float32[5]", low=0, high=90, dtype=d) for d in INTEGER),
        *(Sample("int32[5]", low=-200, high=300, dtype=d) for d in (*REAL, bool_)),
        *(Sample("bool[4]", dtype=d) for d in (*REAL, bool_)),
        Sample("float64[2, 3]", dtype=float16),
        Sample("float64[4]", values={0: [2.5, -2.5, 1e9, -7.9]}, dtype=INTEGER[3], gradient=False),
        Sample("float16[0, 2]", dtype=FLOATING[2]),
        *(Sample("bfloat16[4]", low=0, high=9, dtype=d) for d in (*REAL, bool_)),
        *(Sample("complex64[4]", low=0, high=9, dtype=d) for d in (*REAL, *COMPLEX, bool_)),
        *(Sample(f"{d}[4]", low=0, high=9, dtype=COMPLEX[0]) for d in (*REAL, bool_)),
        *(Sample(f"{d}[2, 3]", dtype=COMPLEX[1]) for d in (*FLOATING, COMPLEX[1])),
        Refuses("string[2]", "x must be numeric or bool, got string[2]", dtype=FLOATING[2]),
    ]  # fmt: skip
