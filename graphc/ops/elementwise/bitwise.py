"""The bits of integers, and of any number read as another dtype."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from graphc.ir.dtype import (
    COMPLEX,
    INTEGER,
    REAL,
    DType,
    bfloat16,
    complex128,
    float16,
    float32,
    int8,
    int16,
    uint8,
    uint16,
)
from graphc.ir.op import REQUIRED, Elementwise, Kind, NotDifferentiable, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType
from graphc.ops.running.precision import bfloat16_values

INTEGERS_ONLY = NotDifferentiable("integers have no gradient")

PAIRS: list[Sample | Refuses] = [
    Sample("int32[3, 4]", "int32[4]", low=-99, high=99),
    Sample("uint8[5]", "uint8[]", low=0, high=255),
    Sample("int64[2, 1]", "int64[3]", low=-9, high=9),
    Sample("int16[0]", "int16[1]"),
    Refuses("float32[2]", "float32[2]", "x must be integer, got float32[2]"),
    Refuses("int32[2]", "int64[2]", "dtypes of x and y differ"),
    Refuses("int32[2]", "int32[3]", "shapes do not broadcast (axis -1)"),
]
SHIFTS = {
    0: [1, 1, 1, -8, -8, 8, 8, -1, 5],
    1: [31, 32, -1, 2, 40, -1, 32, 1, 0],
}


class Bitwise(Elementwise, abstract=True):
    """``z``: a word of the vocabulary on the bits of both operands."""

    operands = ("x", "y")
    dtypes = INTEGER
    vjp = INTEGERS_ONLY
    word: ClassVar[str]
    numpy: ClassVar[Any]

    def reference(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return self.numpy(x, y)

    def scalar(self, x: Any, y: Any) -> str:
        return f"{self.word}({x}, {y})"


class BitwiseAnd(Bitwise):
    """``z``: the bits set in both."""

    commutative = associative = idempotent = True
    word, numpy = "bit_and", np.bitwise_and
    samples = PAIRS


class BitwiseOr(Bitwise):
    """``z``: the bits set in either."""

    commutative = associative = idempotent = True
    identity_element = 0
    word, numpy = "bit_or", np.bitwise_or
    samples = PAIRS


class BitwiseXor(Bitwise):
    """``z``: the bits set in one of both."""

    commutative = associative = True
    identity_element = 0
    word, numpy = "bit_xor", np.bitwise_xor
    samples = PAIRS


class Shift(Bitwise, abstract=True):
    """An amount below 0 counts as 0, one of the width or more as the width less one."""

    def reference(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        most = np.asarray(8 * x.dtype.itemsize - 1, x.dtype)
        return self.numpy(x, np.clip(y, np.zeros((), x.dtype), most))

    def scalar(self, x: Any, y: Any) -> str:
        width = 8 * np.dtype(str(x.dtype)).itemsize
        return f"{self.word}({x}, minimum(maximum({y}, {y.zero}), {y.literal(width - 1)}))"

    samples = [*PAIRS, Sample("int32[9]", "int32[9]", values=SHIFTS)]


class LeftShift(Shift):
    """``z = x * 2**y``, without the bits that leave the dtype."""

    word, numpy = "shift_left", np.left_shift


class RightShift(Shift):
    """``z = floor(x / 2**y)``: the sign stays."""

    word, numpy = "shift_right", np.right_shift


class OfBits(Elementwise, abstract=True):
    """One integer operand."""

    operands = ("x",)
    dtypes = INTEGER
    vjp = INTEGERS_ONLY

    samples = [
        Sample("int32[3, 4]", low=-99, high=99),
        Sample("uint8[5]", low=0, high=255),
        Sample("int64[3]", values={0: [-(2**63), -1, 2**62 + 5]}),
        Sample("int8[]", values={0: -7}),
        Sample("uint16[0, 2]"),
        Refuses("float32[2]", "x must be integer, got float32[2]"),
    ]


class Invert(OfBits):
    """``y``: every bit of ``x`` flipped."""

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.invert(x)

    def scalar(self, x: Any) -> str:
        return f"invert({x})"


class PopulationCount(OfBits):
    """``y``: how many bits of ``x`` are set, as uint8."""

    kind = Kind.INJECTIVE

    def result_dtype(self, dtype: DType) -> DType:
        return uint8

    def reference(self, x: np.ndarray) -> np.ndarray:
        bits = np.unpackbits(np.ascontiguousarray(x).reshape(-1, 1).view(np.uint8), axis=1)
        return bits.sum(1).astype(np.uint8).reshape(x.shape)

    def element(self, e: Any, at: tuple, x: Any) -> Any:
        """Sums of neighbouring fields, twice as wide each time (Wilkes, Wheeler, Gill 1951)."""
        given = x(*at)
        size = np.dtype(given.dtype).itemsize
        wide = f"uint{8 * size}"
        count = e.let(f"to_{wide}({given})", wide, given)
        width = 1
        while width < 8 * size:
            mask = e.literal(((1 << 8 * size) - 1) // ((1 << width) + 1), wide)
            amount = e.literal(width, wide)
            upper = f"bit_and(shift_right({count}, {amount}), {mask})"
            count = e.let(f"add(bit_and({count}, {mask}), {upper})", wide, count)
            width *= 2
        return count if wide == "uint8" else e.let(f"to_uint8({count})", uint8, count)


class Bitcast(Op):
    """The same bytes, read as ``dtype``.

    To a narrower dtype ``[...]`` becomes ``[..., ratio]``; to a wider one ``[..., ratio]`` becomes
    ``[...]``; the first of them holds the low bytes.
    """

    operands = ("input",)
    attributes = {"dtype": REQUIRED}
    kind = Kind.HOST
    vjp = NotDifferentiable("the bits of a number are no smooth function of it")

    def infer_type(self, x: TensorType) -> TensorType:
        if x.dtype not in REAL + COMPLEX or x.dtype is bfloat16:
            raise DTypeMismatch(f"input must be a number, and not bfloat16, got {x}")
        if self.dtype not in REAL + COMPLEX:
            raise DTypeMismatch(f"input cannot be read as {self.dtype}", input=x)
        if x.shape is None or x.dtype.size == self.dtype.size:
            return TensorType(self.dtype, x.shape)
        if x.dtype.size > self.dtype.size:
            return TensorType(self.dtype, (*x.shape, x.dtype.size // self.dtype.size))
        ratio = self.dtype.size // x.dtype.size
        if not x.shape or (isinstance(x.shape[-1], int) and x.shape[-1] != ratio):
            raise Mismatch(f"the last axis must be {ratio} to make a {self.dtype}", input=x)
        return TensorType(self.dtype, x.shape[:-1])

    def reference(self, x: np.ndarray) -> np.ndarray:
        return self.host(x)[0]

    def host(self, x: np.ndarray) -> tuple:
        target = np.dtype(np.uint16) if self.dtype is bfloat16 else self.dtype.numpy
        x = np.asarray(x)
        shape = x.shape
        if x.itemsize > target.itemsize:
            shape = (*x.shape, x.itemsize // target.itemsize)
        elif x.itemsize < target.itemsize:
            shape = x.shape[:-1]
        read = np.frombuffer(x.tobytes(), target).reshape(shape)
        return (bfloat16_values(read) if self.dtype is bfloat16 else read.copy(),)

    samples = [
        Sample("float32[3, 4]", dtype=INTEGER[2]),
        Sample("int32[5]", dtype=uint8),
        Sample("uint8[2, 4]", low=0, high=99, dtype=INTEGER[2]),
        Sample("float64[3]", dtype=INTEGER[3]),
        Sample("int64[]", dtype=int16),
        Sample("float16[3]", dtype=uint16),
        Sample("int16[2]", low=0, high=9, dtype=float16),
        Sample("float32[0]", dtype=int8),
        Sample("complex64[2]", dtype=float32),
        Sample("float64[3, 2]", dtype=complex128),
        Refuses("bool[2]", "input must be a number, and not bfloat16, got bool[2]", dtype=int8),
        Refuses("uint8[2, 3]", "the last axis must be 4 to make a int32", dtype=INTEGER[2]),
    ]  # fmt: skip
