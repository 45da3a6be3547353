"""Arithmetic: sums, products, quotients, extremes, powers; operands broadcast, integers wrap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dims
from graphc.ir.builder import composite
from graphc.ir.dtype import (
    COMPLEX,
    FLOATING,
    INTEGER,
    REAL,
    DType,
    bool_,
    float32,
    float64,
)
from graphc.ir.op import Elementwise, Kind, NotDifferentiable, Refuses, Sample
from graphc.ir.types import Mismatch, TensorType, broadcast, broadcast_index, same_dim
from graphc.ops.elementwise import complex_text
from graphc.ops.elementwise.complex import PLANE_PAIRS
from graphc.ops.running.precision import in_float32

SPECIAL_PAIRS = {
    0: [np.nan, 1, np.inf, -np.inf, np.inf, 0, 1e-40, 3e38],
    1: [1, np.nan, np.inf, np.inf, 0, 0, 1e-40, 3e38],
}

PAIRS: list[Sample | Refuses] = [
    Sample("float32[3, 4]", "float32[3, 4]"),
    Sample("float32[3, 4]", "float32[4]"),
    Sample("float64[2, 1, 3]", "float64[4, 1]"),
    Sample("float16[2, 3]", "float16[]"),
    Sample("bfloat16[2, 3]", "bfloat16[3]"),
    Sample("float32[0, 3]", "float32[1, 3]"),
    Sample("float32[8]", "float32[8]", values=SPECIAL_PAIRS, gradient=False),
    Refuses("float32[3]", "float32[4]", "shapes do not broadcast (axis -1)"),
    Refuses("float32[3]", "float64[3]", "dtypes of x and y differ"),
]
WHOLE_PAIRS: list[Sample | Refuses] = [
    Sample("int32[3, 4]", "int32[4]", low=-9, high=9),
    Sample("uint8[5]", "uint8[]", low=0, high=9),
    Sample("int64[2, 0]", "int64[1]"),
]
NOT_BOOL: list[Sample | Refuses] = [Refuses("bool[2]", "bool[2]", "x must be numeric, got bool[2]")]


def each_dim(function: Callable[..., Any], *values: Any) -> Any:
    """``function`` over scalars (dims) and vectors (tuples of dims); None where unknown."""
    if any(v is None for v in values):
        return None
    lengths = {len(v) for v in values if isinstance(v, tuple)}
    if not lengths:
        return function(*values)
    if len(lengths) > 1:
        return None
    columns = [v if isinstance(v, tuple) else (v,) * max(lengths) for v in values]
    return tuple(
        None if any(v is None for v in row) else function(*row)
        for row in zip(*columns, strict=True)
    )


class Binary(Elementwise, abstract=True):
    """Two operands of one dtype."""

    operands = ("x", "y")
    dtypes = REAL


class Add(Binary):
    """``z = x + y``."""

    dtypes = REAL + COMPLEX
    commutative = associative = linear = True
    identity_element = 0

    def reference(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.add(x, y)

    def scalar(self, x: Any, y: Any) -> str:
        return f"{x} + {y}" if x.floating else f"add({x}, {y})"

    def vjp(self, b: Any, ct: Any, z: Any, x: Any, y: Any) -> list:
        return [ct, ct]

    def dims_value(self, x: Any, y: Any) -> Any:
        return each_dim(lambda p, q: p + q, x, y)

    samples = [*PAIRS, *WHOLE_PAIRS, *PLANE_PAIRS, *NOT_BOOL]


def _may_be_one_shape(a: TensorType, b: TensorType) -> bool:
    if a.shape is None or b.shape is None:
        return True
    return len(a.shape) == len(b.shape) and all(
        same_dim(p, q, f"axis {k}") is not None
        for k, (p, q) in enumerate(zip(a.shape, b.shape, strict=True))
    )


class AddN(Elementwise):
    """``y = inputs[0] + inputs[1] + ...``, all of one shape."""

    name = "add_n"
    operands = ("*inputs",)
    dtypes = REAL + COMPLEX
    linear = True

    def infer_type(self, *types: TensorType) -> TensorType:
        if not types:
            raise Mismatch("takes at least one operand")
        result = super().infer_type(*types)
        for name, type in zip(self.operand_names(len(types)), types, strict=True):
            if not _may_be_one_shape(types[0], type):
                values: dict[str, Any] = {"inputs[0]": types[0], name: type}
                raise Mismatch("operands must have one shape", **values)
        return result

    def reference(self, *inputs: np.ndarray) -> np.ndarray:
        total = np.asarray(inputs[0])
        for array in inputs[1:]:
            total = np.add(total, array)
        return total

    def scalar(self, *inputs: Any) -> str:
        total = str(inputs[0])
        for x in inputs[1:]:
            total = f"{total} + {x}" if x.floating else f"add({total}, {x})"
        return total

    def vjp(self, b: Any, ct: Any, y: Any, *inputs: Any) -> list:
        return [ct] * len(inputs)

    samples = [
        Sample("float32[3, 4]"),
        Sample("float32[3, 4]", "float32[3, 4]", "float32[3, 4]"),
        Sample("float64[2]", "float64[2]"),
        Sample("int32[2, 3]", "int32[2, 3]", "int32[2, 3]"),
        Sample("complex64[2, 3]", "complex64[2, 3]", "complex64[2, 3]"),
        Refuses("float32[3]", "float32[2, 3]", "operands must have one shape"),
        Refuses("float32[3, 1]", "float32[3, 4]", "operands must have one shape"),
        Refuses("takes at least one operand"),
    ]


class Sub(Binary):
    """``z = x - y``."""

    dtypes = REAL + COMPLEX
    linear = True
    identity_element = 0

    def reference(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.subtract(x, y)

    def scalar(self, x: Any, y: Any) -> str:
        return f"{x} - {y}" if x.floating else f"sub({x}, {y})"

    def vjp(self, b: Any, ct: Any, z: Any, x: Any, y: Any) -> list:
        return [ct, b.neg(ct)]

    def dims_value(self, x: Any, y: Any) -> Any:
        return each_dim(lambda p, q: p - q, x, y)

    samples = [*PAIRS, *WHOLE_PAIRS, *PLANE_PAIRS, *NOT_BOOL]


class Mul(Binary):
    """``z = x * y``."""

    dtypes = REAL + COMPLEX
    holomorphic = True
    commutative = associative = True
    identity_element = 1

    def reference(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.multiply(x, y)

    def scalar(self, x: Any, y: Any) -> str:
        return f"{x} * {y}" if x.floating else f"mul({x}, {y})"

    def vjp(self, b: Any, ct: Any, z: Any, x: Any, y: Any) -> list:
        return [b.mul(ct, y), b.mul(ct, x)]

    def dims_value(self, x: Any, y: Any) -> Any:
        return each_dim(lambda p, q: p * q, x, y)

    samples = [*PAIRS, *WHOLE_PAIRS, *PLANE_PAIRS, *NOT_BOOL]


class RealDiv(Binary):
    """``z = x / y``."""

    name = "realdiv"
    dtypes = FLOATING + COMPLEX
    holomorphic = True
    identity_element = 1

    def reference(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.divide(x, y)

    def scalar(self, x: Any, y: Any) -> str:
        return complex_text.quotient(x, y) if x.complex else f"{x} / {y}"

    def vjp(self, b: Any, ct: Any, z: Any, x: Any, y: Any) -> list:
        scaled = b.realdiv(ct, y)
        return [scaled, b.neg(b.mul(scaled, z))]

    samples = [
        *PAIRS,
        Sample("float64[3, 4]", "float64[4]", low=0.5, high=3),
        *PLANE_PAIRS,
        Sample("complex64[5]", "complex64[5]", gradient=False, tolerance=4,
               values={0: [1, 1j, 2e30 + 1e30j, 1e-30j, 3], 1: [2j, 4, 1e30j, 2e-30, 1 + 1e-30j]}),
        Refuses("int32[2]", "int32[2]", "x must be floating or complex, got int32[2]"),
    ]  # fmt: skip


class Maximum(Binary):
    """``z = max(x, y)``; NaN if either is.  Equal operands give their gradient to ``x``."""

    commutative = associative = idempotent = True

    def reference(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.maximum(x, y)

    def scalar(self, x: Any, y: Any) -> str:
        return f"maximum({x}, {y})"

    def vjp(self, b: Any, ct: Any, z: Any, x: Any, y: Any) -> list:
        first, zero = b.greater_equal(x, y), b.tensor(0, like=ct)
        return [b.where(first, ct, zero), b.where(first, zero, ct)]

    def dims_value(self, x: Any, y: Any) -> Any:
        return each_dim(dims.maximum, x, y)

    samples = [*PAIRS, *WHOLE_PAIRS, *NOT_BOOL]


class Minimum(Binary):
    """``z = min(x, y)``; NaN if either is.  Equal operands give their gradient to ``x``."""

    commutative = associative = idempotent = True

    def reference(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.minimum(x, y)

    def scalar(self, x: Any, y: Any) -> str:
        return f"minimum({x}, {y})"

    def vjp(self, b: Any, ct: Any, z: Any, x: Any, y: Any) -> list:
        first, zero = b.less_equal(x, y), b.tensor(0, like=ct)
        return [b.where(first, ct, zero), b.where(first, zero, ct)]

    samples = [*PAIRS, *WHOLE_PAIRS, *NOT_BOOL]


class SquaredDifference(Binary):
    """``z = (x - y)**2``; of complex numbers ``|x - y|**2``, still a complex number."""

    dtypes = REAL + COMPLEX
    commutative = True

    @in_float32
    def reference(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        apart = np.subtract(x, y)
        return np.multiply(apart, np.conjugate(apart))

    def scalar(self, x: Any, y: Any) -> str:
        if x.complex:
            return complex_text.squared_distance(x, y)
        if x.floating:
            return f"({x} - {y}) * ({x} - {y})"
        return f"mul(sub({x}, {y}), sub({x}, {y}))"

    def vjp(self, b: Any, ct: Any, z: Any, x: Any, y: Any) -> list:
        if ct.dtype.is_complex:  # the imaginary part of the result is 0, whatever moves
            ct = b.cast(b.real(ct), dtype=ct.dtype)
        slope = b.mul(b.mul(ct, 2), b.sub(x, y))
        return [slope, b.neg(slope)]

    samples = [*PAIRS, *WHOLE_PAIRS, *PLANE_PAIRS, *NOT_BOOL]


class Pow(Binary):
    """``z = x**y``; NaN for negative ``x`` and fractional ``y``."""

    dtypes = FLOATING + COMPLEX
    holomorphic = True
    identity_element = 1
    transcendental = True

    @in_float32
    def reference(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.power(x, y)

    def scalar(self, x: Any, y: Any) -> str:
        return complex_text.power(x, y) if x.complex else f"pow({x}, {y})"

    def vjp(self, b: Any, ct: Any, z: Any, x: Any, y: Any) -> list:
        zero, one = b.tensor(0, like=x), b.tensor(1, like=x)
        # y * x**(y - 1) is 0 where y is, also at x == 0, where x**-1 is not finite
        flat = b.equal(y, zero)
        lowered = b.pow(x, b.where(flat, one, b.sub(y, one)))
        positive = b.not_equal(x, zero) if x.dtype.is_complex else b.greater(x, zero)
        logarithm = b.where(positive, b.log(b.where(positive, x, one)), zero)
        return [b.mul(ct, b.mul(y, lowered)), b.mul(ct, b.mul(z, logarithm))]

    samples = [
        Sample("float32[3, 4]", "float32[4]", low=0.2, high=3),
        Sample("float64[2, 3]", "float64[]", low=0.2, high=3),
        Sample("float16[4]", "float16[4]", low=0.2, high=3),
        Sample("float64[3]", "float64[3]", values={0: [-2, -0.5, 3], 1: [2, 3, 0]}, gradient=False),
        Sample("float32[8]", "float32[8]", values=SPECIAL_PAIRS, gradient=False),
        Sample("float32[0]", "float32[1]"),
        *PLANE_PAIRS,
        Sample("complex128[4]", "complex128[4]", values={0: [0, 0, 2, 1j], 1: [0, 2, 0, 3]},
               gradient=False),
        Refuses("int32[2]", "int32[2]", "x must be floating or complex, got int32[2]"),
    ]  # fmt: skip


class IntegerPow(Binary):
    """``z = x**y`` of integers, wrapping; a negative ``y`` fails the run."""

    dtypes = INTEGER
    kind = Kind.INJECTIVE
    may_fail = True
    vjp = NotDifferentiable("integers have no gradient")

    def reference(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        if (np.asarray(y) < 0).any():
            raise InvalidArgumentError("an integer to a negative power is no integer")
        return np.power(x, y)

    def element(self, e: Any, at: tuple, x: Any, y: Any) -> Any:
        # by repeated squaring: r collects base**(2**k) for the bits k set in the exponent
        out = broadcast(x=x.type, y=y.type) or ()
        dtype = x.type.dtype
        base = x(*broadcast_index(at, x.type.shape, out))
        power = y(*broadcast_index(at, y.type.shape, out))
        if not dtype.is_unsigned:
            e.check(f"lt({power}, {power.zero})")
        result = e.literal(1, dtype)
        for k in range(8 * dtype.size - (not dtype.is_unsigned)):
            if k:
                base = e.let(f"mul({base}, {base})", dtype, base)
            bit = e.let(f"bit_and({power}, {power.literal(1 << k)})", dtype, power)
            unset = e.let(f"eq({bit}, {power.zero})", bool_, bit)
            product = e.let(f"mul({result}, {base})", dtype, result, base)
            result = e.let(f"where({unset}, {result}, {product})", dtype, unset, result, product)
        return result

    samples = [
        *WHOLE_PAIRS[1:],
        Sample("int32[3, 4]", "int32[4]", low=0, high=5),
        Sample("int32[6]", "int32[6]", values={0: [0, 2, -3, 7, -1, 2], 1: [0, 10, 3, 30, 9, 32]}),
        Sample("int64[3]", "int64[]", values={0: [3, -2, 10], 1: 18}),
        Refuses("float32[2]", "float32[2]", "x must be integer, got float32[2]"),
        Refuses("int32[2]", "int64[2]", "dtypes of x and y differ"),
    ]


class Atan2(Elementwise):
    """``z``: the angle of the point (x, y), in ``[-pi, pi]``."""

    operands = ("y", "x")
    dtypes = FLOATING
    transcendental = True

    @in_float32
    def reference(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        return np.arctan2(y, x)

    def scalar(self, y: Any, x: Any) -> str:
        return f"atan2({y}, {x})"

    def vjp(self, b: Any, ct: Any, z: Any, y: Any, x: Any) -> list:
        scaled = b.realdiv(ct, b.add(b.square(x), b.square(y)))
        return [b.mul(scaled, x), b.neg(b.mul(scaled, y))]

    samples = [
        Sample("float32[3, 4]", "float32[4]"),
        Sample("float64[6]", "float64[6]"),
        Sample("float16[3]", "float16[3]"),
        Sample("float64[3]", "float64[3]", values={0: [0, 1, -1], 1: [-1, 0, 0]}, gradient=False),
        Refuses("float32[3]", "float64[3]", "dtypes of y and x differ"),
        Refuses("int32[2]", "int32[2]", "y must be floating, got int32[2]"),
    ]  # fmt: skip


# --- TF1's powers and divisions ------------------------------------------------------------------


@composite
def pow(b: Any, x: Any, y: Any, name: str | None = None) -> Any:
    """``x**y``, of integers too."""
    x, y = b.tensors((x, y))
    return b.apply(IntegerPow if x.dtype.is_integer else Pow, (x, y), {"name": name})


@composite
def truediv(b: Any, x: Any, y: Any, name: str | None = None) -> Any:
    """``x / y`` as Python divides: integers become floating first (small ones float32)."""
    x, y = b.tensors((x, y))
    if x.dtype.is_integer and x.dtype is y.dtype:
        wide = _quotient_dtype(x.dtype)
        x, y = b.cast(x, dtype=wide), b.cast(y, dtype=wide)
    return b.realdiv(x, y, name=name)


def _quotient_dtype(dtype: DType) -> DType:
    return float32 if dtype.size <= 2 else float64


@composite
def div(b: Any, x: Any, y: Any, name: str | None = None) -> Any:
    """TF1's ``div``: integers divide toward minus infinity, floats as ``/``."""
    x, y = b.tensors((x, y))
    return (b.floordiv if x.dtype.is_integer else b.realdiv)(x, y, name=name)


@composite
def div_no_nan(b: Any, x: Any, y: Any, name: str | None = None) -> Any:
    """``x / y``, and 0 where ``y`` is 0; its gradient is 0 there too."""
    x, y = b.tensors((x, y))
    if x.dtype.is_integer and x.dtype is y.dtype:
        wide = _quotient_dtype(x.dtype)
        x, y = b.cast(x, dtype=wide), b.cast(y, dtype=wide)
    none = b.equal(y, b.tensor(0, like=y))
    quotient = b.realdiv(x, b.where(none, b.tensor(1, like=y), y))
    return b.where(none, b.tensor(0, like=y), quotient, name=name)


@composite
def clip_by_value(b: Any, x: Any, low: Any, high: Any, name: str | None = None) -> Any:
    """``x`` brought into ``[low, high]``; ``low`` where that is more than ``high``."""
    x, low, high = b.tensors((x, low, high))
    return b.maximum(b.minimum(x, high), low, name=name)
