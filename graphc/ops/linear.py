"""Matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir.dtype import FLOATING, SIGNED
from graphc.ir.op import Kind, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, same_dim, same_dtype
from graphc.ops.precision import in_float32


class MatMul(Op):
    """``y[i, j] = sum_k a[i, k] * b[k, j]``, with either operand read transposed."""

    name = "matmul"
    operands = ("a", "b")
    attributes = {"transpose_a": False, "transpose_b": False}
    kind = Kind.CONTRACTION
    contraction = True
    dtypes = FLOATING + SIGNED

    def infer_type(self, a: TensorType, b: TensorType) -> TensorType:
        dtype = same_dtype(a=a, b=b)
        if dtype not in self.dtypes:
            raise DTypeMismatch(f"a must be floating or a signed integer, got {a}")
        for name, type in (("a", a), ("b", b)):
            if type.shape is not None and len(type.shape) != 2:
                wrong: dict[str, Any] = {name: type}
                raise Mismatch(f"{name} must be a matrix, its rank is {len(type.shape)}", **wrong)
        if a.shape is None or b.shape is None:
            return TensorType(dtype, None)
        rows, inner = reversed(a.shape) if self.transpose_a else a.shape
        other, columns = reversed(b.shape) if self.transpose_b else b.shape
        if same_dim(inner, other, "the inner dimension") is None:
            raise Mismatch("inner dimensions differ", hint=self._fitting(a, b), a=a, b=b)
        return TensorType(dtype, (rows, columns))

    def _fitting(self, a: TensorType, b: TensorType) -> str | None:
        """The call that would fit, when turning one operand round is all it takes."""
        flags = {"transpose_a": self.transpose_a, "transpose_b": self.transpose_b}
        for name, flag in (("b", "transpose_b"), ("a", "transpose_a")):
            wanted = {**flags, flag: not flags[flag]}
            left = a.shape[0 if wanted["transpose_a"] else 1]
            right = b.shape[1 if wanted["transpose_b"] else 0]
            if left == right:
                turned = "".join(f", {k}=True" for k, v in wanted.items() if v)
                how = "transposed" if wanted[flag] else "as it is"
                return f"{name} fits {how}: tf.matmul(a, b{turned})"
        return None

    @in_float32
    def reference(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a.T if self.transpose_a else a) @ (b.T if self.transpose_b else b)

    def vjp(self, build: Any, ct: Any, y: Any, a: Any, b: Any) -> list:
        match self.transpose_a, self.transpose_b:
            case False, False:
                return [
                    build.matmul(ct, b, transpose_b=True),
                    build.matmul(a, ct, transpose_a=True),
                ]
            case False, True:
                return [build.matmul(ct, b), build.matmul(ct, a, transpose_a=True)]
            case True, False:
                return [build.matmul(b, ct, transpose_b=True), build.matmul(a, ct)]
            case _:
                return [
                    build.matmul(b, ct, transpose_a=True, transpose_b=True),
                    build.matmul(ct, a, transpose_a=True, transpose_b=True),
                ]

    def cost(self, *types: TensorType) -> Any:
        """Two per step of the inner dimension, which may be symbolic."""
        a, _ = types
        return 2 * a.shape[0 if self.transpose_a else 1]

    samples = [
        Sample("float32[3, 4]", "float32[4, 5]", tolerance=4),
        Sample("float64[4, 3]", "float64[4, 5]", transpose_a=True),
        Sample("float64[3, 4]", "float64[5, 4]", transpose_b=True),
        Sample("float64[4, 3]", "float64[5, 4]", transpose_a=True, transpose_b=True),
        Sample("float32[1, 40]", "float32[40, 33]", tolerance=8),
        Sample("float16[2, 3]", "float16[3, 2]", tolerance=4),
        Sample("int32[2, 3]", "int32[3, 2]", low=-9, high=9),
        Sample("float32[2, 0]", "float32[0, 3]"),
        Sample("float32[0, 2]", "float32[2, 3]"),
        Refuses("float32[3, 4]", "float32[5, 4]", "inner dimensions differ"),
        Refuses("float32[3]", "float32[3, 4]", "a must be a matrix, its rank is 1"),
        Refuses("float32[2, 3]", "float64[3, 4]", "dtypes of a and b differ"),
        Refuses(
            "bool[2, 3]", "bool[3, 4]", "a must be floating or a signed integer, got bool[2, 3]"
        ),
    ]
