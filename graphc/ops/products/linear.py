"""Products of matrices, and of vectors in space."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir import dims
from graphc.ir.dims import Shape
from graphc.ir.dtype import COMPLEX, FLOATING, INTEGER, SIGNED, float32
from graphc.ir.op import Kind, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, broadcast, same_dim, same_dtype
from graphc.ops.running.precision import in_float32


class MatMul(Op):
    """``y[..., i, j] = sum_k a[..., i, k] * b[..., k, j]``, with either operand's matrices read
    transposed.

    The axes before the last two count matrices; they broadcast.
    """

    name = "matmul"
    operands = ("a", "b")
    attributes = {"transpose_a": False, "transpose_b": False}
    kind = Kind.CONTRACTION
    contraction = True
    dtypes = FLOATING + SIGNED + COMPLEX
    holomorphic = True

    def infer_type(self, a: TensorType, b: TensorType) -> TensorType:
        dtype = same_dtype(a=a, b=b)
        if dtype not in self.dtypes:
            raise DTypeMismatch(f"a must be floating, complex or a signed integer, got {a}")
        for name, type in (("a", a), ("b", b)):
            if type.shape is not None and len(type.shape) < 2:
                wrong: dict[str, Any] = {name: type}
                raise Mismatch(f"{name} must be a matrix, its rank is {len(type.shape)}", **wrong)
        if a.shape is None or b.shape is None:
            return TensorType(dtype, None)
        rows, inner = reversed(a.shape[-2:]) if self.transpose_a else a.shape[-2:]
        other, columns = reversed(b.shape[-2:]) if self.transpose_b else b.shape[-2:]
        if same_dim(inner, other, "the inner dimension") is None:
            raise Mismatch("inner dimensions differ", hint=self._fitting(a, b), a=a, b=b)
        return TensorType(dtype, (*self._batch(a, b), rows, columns))

    def _batch(self, a: TensorType, b: TensorType) -> Shape:
        try:
            shape = broadcast(a=a.with_shape(a.dims[:-2]), b=b.with_shape(b.dims[:-2]))
        except Mismatch as mismatch:
            fact = mismatch.fact.replace("shapes do", "the axes before the matrices do")
            raise Mismatch(fact, a=a, b=b) from None
        return shape or ()

    def _fitting(self, a: TensorType, b: TensorType) -> str | None:
        """The call that would fit, when turning one operand round is all it takes."""
        flags = {"transpose_a": self.transpose_a, "transpose_b": self.transpose_b}
        for name, flag in (("b", "transpose_b"), ("a", "transpose_a")):
            wanted = {**flags, flag: not flags[flag]}
            left = a.dims[-2 if wanted["transpose_a"] else -1]
            right = b.dims[-1 if wanted["transpose_b"] else -2]
            if left == right:
                turned = "".join(f", {k}=True" for k, v in wanted.items() if v)
                how = "transposed" if wanted[flag] else "as it is"
                return f"{name} fits {how}: tf.matmul(a, b{turned})"
        return None

    @in_float32
    def reference(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a.swapaxes(-1, -2) if self.transpose_a else a) @ (
            b.swapaxes(-1, -2) if self.transpose_b else b
        )

    def vjp(self, build: Any, ct: Any, y: Any, a: Any, b: Any) -> list:
        if not self.transpose_a and b.type.rank == 2 and (a.type.rank or 0) > 2:
            return [self._left(build, ct, a, b), self._shared_right(build, ct, a, b)]
        return [self._left(build, ct, a, b), self._right(build, ct, a, b)]

    def _left(self, build: Any, ct: Any, a: Any, b: Any) -> Any:
        if self.transpose_a:
            return build.matmul(b, ct, transpose_a=self.transpose_b, transpose_b=True)
        return build.matmul(ct, b, transpose_b=not self.transpose_b)

    def _right(self, build: Any, ct: Any, a: Any, b: Any) -> Any:
        if self.transpose_b:
            return build.matmul(ct, a, transpose_a=True, transpose_b=self.transpose_a)
        return build.matmul(a, ct, transpose_a=not self.transpose_a)

    def _shared_right(self, build: Any, ct: Any, a: Any, b: Any) -> Any:
        """One matrix multiplied all of ``a``: its cotangent is a single long product."""
        rows, weights = (
            build.reshape(t, shape=(dims.product(t.type.dims[:-1]), t.type.dims[-1]))
            for t in (a, ct)
        )
        return self._right(build, weights, rows, b)

    def complex_expand(self, build: Any, a: Any, b: Any) -> Any:
        """Four products of the parts."""
        parts = {t: (build.real(t), build.imag(t)) for t in (a, b)}

        def product(k: int, m: int) -> Any:
            return build.matmul(parts[a][k], parts[b][m], **dict(self.values()))

        re = build.sub(product(0, 0), product(1, 1))
        return build.complex(re, build.add(product(0, 1), product(1, 0)))

    def half_expand(self, build: Any, a: Any, b: Any) -> Any:
        """A product in float32, rounded once."""
        wide = (build.cast(t, dtype=float32) for t in (a, b))
        return build.cast(build.matmul(*wide, **dict(self.values())), dtype=a.dtype)

    def cost(self, *types: TensorType) -> Any:
        """Two per step of the inner dimension, which may be symbolic."""
        a, _ = types
        return 2 * a.dims[-2 if self.transpose_a else -1]

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
        Sample("float32[3, 2, 4]", "float32[3, 4, 5]", tolerance=4),
        Sample("float64[2, 3, 4, 2]", "float64[2, 3, 4, 5]", transpose_a=True),
        Sample("float64[2, 3, 2, 4]", "float64[2, 3, 5, 4]", transpose_b=True),
        Sample("float64[5, 4, 2]", "float64[5, 3, 4]", transpose_a=True, transpose_b=True),
        Sample("float32[2, 1, 3, 4]", "float32[5, 4, 2]", tolerance=4),
        Sample("float64[3, 1, 2, 2, 3]", "float64[4, 1, 3, 2]"),
        Sample("float32[3, 4]", "float32[2, 4, 5]", tolerance=4),
        Sample("float64[2, 3, 4]", "float64[4, 5]"),
        Sample("float32[2, 3, 4]", "float32[5, 4]", transpose_b=True, tolerance=4),
        Sample("float64[2, 4, 3]", "float64[4, 5]", transpose_a=True),
        Sample("float32[2, 60, 3]", "float32[2, 3, 40]", tolerance=4),
        Sample("float16[2, 2, 3]", "float16[1, 3, 2]", tolerance=4),
        Sample("bfloat16[2, 2, 3]", "bfloat16[3, 2]", tolerance=4),
        Sample("int32[2, 1, 2, 3]", "int32[2, 3, 2]", low=-9, high=9),
        Sample("int64[2, 3, 2]", "int64[2, 2, 3]", low=-9, high=9, transpose_a=True,
               transpose_b=True),
        Sample("float32[0, 2, 3]", "float32[1, 3, 2]"),
        Sample("float32[2, 2, 0]", "float32[2, 0, 3]"),
        Sample("complex64[3, 4]", "complex64[4, 5]", tolerance=4),
        Sample("complex128[4, 3]", "complex128[5, 4]", transpose_a=True, transpose_b=True),
        Sample("complex64[2, 1, 3, 4]", "complex64[5, 4, 2]", tolerance=4),
        Sample("complex64[2, 0]", "complex64[0, 3]"),
        Refuses("float32[3, 4]", "float32[5, 4]", "inner dimensions differ"),
        Refuses("float32[2, 3, 4]", "float32[2, 5, 4]", "inner dimensions differ"),
        Refuses("float32[2, 3, 4]", "float32[3, 4, 4]",
                "the axes before the matrices do not broadcast (axis -1)"),
        Refuses("float32[3]", "float32[3, 4]", "a must be a matrix, its rank is 1"),
        Refuses("float32[2, 3]", "float64[3, 4]", "dtypes of a and b differ"),
        Refuses(
            "bool[2, 3]", "bool[3, 4]",
            "a must be floating, complex or a signed integer, got bool[2, 3]",
        ),
    ]  # fmt: skip


class Cross(Op):
    """The cross product of vectors of three elements along the last axis."""

    operands = ("a", "b")
    kind = Kind.EXPANDED
    dtypes = FLOATING + INTEGER

    def infer_type(self, a: TensorType, b: TensorType) -> TensorType:
        dtype = same_dtype(a=a, b=b)
        if dtype not in self.dtypes:
            raise DTypeMismatch(f"a must be numeric, got {a}")
        if a.shape is None or b.shape is None:
            return TensorType(dtype, None)
        sizes = [
            same_dim(p, q, f"axis {k}")
            for k, (p, q) in enumerate(zip(a.shape, b.shape, strict=False))
        ]
        shape = tuple(d for d in sizes if d is not None)
        if len(a.shape) != len(b.shape) or len(shape) != len(sizes):
            raise Mismatch("shapes differ", a=a, b=b)
        if not shape or same_dim(shape[-1], 3, "the last axis") is None:
            raise Mismatch("the last axis must have 3 elements", a=a, b=b)
        return TensorType(dtype, (*shape[:-1], 3))

    @in_float32
    def reference(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.cross(a, b)

    def expand(self, build: Any, a: Any, b: Any) -> Any:
        def component(x: Any, k: int) -> Any:
            begin = (*(0 for _ in x.type.dims[1:]), k % 3)
            return build.slice(x, begin=begin, size=(*x.type.dims[:-1], 1))

        def minor(k: int) -> Any:
            first = build.mul(component(a, k + 1), component(b, k + 2))
            return build.sub(first, build.mul(component(a, k + 2), component(b, k + 1)))

        return build.concat(*(minor(k) for k in range(3)), axis=-1)

    def vjp(self, build: Any, ct: Any, y: Any, a: Any, b: Any) -> list:
        return [build.cross(b, ct), build.cross(ct, a)]

    samples = [
        Sample("float32[3]", "float32[3]"),
        Sample("float64[2, 3]", "float64[2, 3]"),
        Sample("float16[2, 3]", "float16[2, 3]", tolerance=4),
        Sample("int32[2, 2, 3]", "int32[2, 2, 3]", low=-9, high=9),
        Sample("float32[0, 3]", "float32[0, 3]"),
        Refuses("float32[2, 3]", "float32[3]", "shapes differ"),
        Refuses("float32[4]", "float32[4]", "the last axis must have 3 elements"),
        Refuses("bool[3]", "bool[3]", "a must be numeric, got bool[3]"),
    ]
