"""Diagonals: the last two axes are rows and columns, axes before them count matrices.

Diagonal ``k`` holds the elements whose column is their row plus ``k``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir import dims
from graphc.ir.builder import composite
from graphc.ir.dims import Dim
from graphc.ir.dtype import bool_
from graphc.ir.op import Kind, Op, Refuses, Sample
from graphc.ir.types import Mismatch, TensorType, same_dim, same_dtype
from graphc.ops.shaping.shape import at_most, minimum


def diagonal_length(rows: Dim, columns: Dim, k: int) -> Dim:
    """How many elements diagonal ``k`` has."""
    return minimum(rows + min(k, 0), columns - max(k, 0))


def _of_matrix(x: TensorType, k: int) -> tuple[tuple, Dim]:
    """The axes before a matrix, and the length of its diagonal ``k``."""
    if len(x.dims) < 2:
        raise Mismatch(f"x must be at least a matrix, its rank is {len(x.dims)}", x=x)
    *batch, rows, columns = x.dims
    if k and not at_most(1, diagonal_length(rows, columns, k), f"diagonal {k}"):
        raise Mismatch(f"diagonal {k} is outside a matrix of [{rows}, {columns}]", x=x)
    return tuple(batch), diagonal_length(rows, columns, k)


class MatrixDiag(Op):
    """Matrices of ``rows`` and ``columns`` with ``x`` on diagonal ``k``, ``padding`` elsewhere.

    None for both sizes makes the smallest square; ``x`` must fill the diagonal.
    """

    operands = ("x",)
    attributes = {"k": 0, "rows": None, "columns": None, "padding": 0}
    kind = Kind.INJECTIVE

    def infer_type(self, x: TensorType) -> TensorType:
        if x.shape is None:
            return x
        if not x.shape:
            raise Mismatch("x must be at least a vector", x=x)
        rows, columns = self._sizes(x.shape[-1])
        length = diagonal_length(rows, columns, self.k)
        if same_dim(length, x.shape[-1], "the diagonal") is None:
            raise Mismatch(f"diagonal {self.k} of [{rows}, {columns}] has {length} elements", x=x)
        return x.with_shape((*x.shape[:-1], rows, columns))

    def _sizes(self, length: Dim) -> tuple[Dim, Dim]:
        square = length + abs(self.k)
        rows = square if self.rows is None else self.rows
        return rows, square if self.columns is None else self.columns

    def reference(self, x: np.ndarray) -> np.ndarray:
        rows: Any
        columns: Any
        rows, columns = self._sizes(x.shape[-1])
        out = np.full((*x.shape[:-1], rows, columns), self.padding, x.dtype)
        places = np.arange(x.shape[-1])
        out[..., places - min(self.k, 0), places + max(self.k, 0)] = x
        return out

    def element(self, e: Any, at: tuple[Dim, ...], x: Any) -> Any:
        *batch, i, j = at
        column, wanted = e.position(j), e.position(i + self.k)
        off = e.let(f"ne({column}, {wanted})", bool_, column, wanted)
        padding = e.literal(self.padding, x.type.dtype)
        return e.value_or(x, (*batch, i + min(self.k, 0)), off, padding)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.matrix_diag_part(ct, k=self.k)]

    samples = [
        Sample("float32[3]"),
        Sample("float64[2, 3]"),
        Sample("float64[2, 2]", k=1),
        Sample("float32[3]", k=-2, padding=7),
        Sample("float32[2]", rows=2, columns=4),
        Sample("float32[3]", rows=4, columns=3, k=-1),
        Sample("int32[2, 1]"),
        Sample("bool[3]", padding=False),
        Sample("float16[2]"),
        Sample("float32[0]"),
        Refuses("float32[]", "x must be at least a vector"),
        Refuses("float32[3]", "diagonal 0 of [2, 4] has 2 elements", rows=2, columns=4),
    ]


class MatrixDiagPart(Op):
    """Diagonal ``k`` of each matrix."""

    operands = ("x",)
    attributes = {"k": 0}
    kind = Kind.INJECTIVE
    linear = True

    def infer_type(self, x: TensorType) -> TensorType:
        if x.shape is None:
            return x
        batch, length = _of_matrix(x, self.k)
        return x.with_shape((*batch, length))

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.diagonal(x, self.k, -2, -1).copy()

    def element(self, e: Any, at: tuple[Dim, ...], x: Any) -> Any:
        *batch, i = at
        return x(*batch, i - min(self.k, 0), i + max(self.k, 0))

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.matrix_set_diag(b.zeros_like(x), ct, k=self.k)]

    samples = [
        Sample("float32[3, 3]"),
        Sample("float64[2, 3, 4]"),
        Sample("float64[4, 2]", k=-1),
        Sample("float32[3, 4]", k=2),
        Sample("int32[2, 2]"),
        Sample("bool[2, 2]"),
        Sample("float32[0, 3]"),
        Refuses("float32[3]", "x must be at least a matrix, its rank is 1"),
        Refuses("float32[2, 3]", "diagonal 3 is outside a matrix of [2, 3]", k=3),
    ]


class MatrixSetDiag(Op):
    """``x`` with ``diagonal`` in place of diagonal ``k`` of each matrix."""

    operands = ("x", "diagonal")
    attributes = {"k": 0}
    kind = Kind.INJECTIVE

    def infer_type(self, x: TensorType, diagonal: TensorType) -> TensorType:
        same_dtype(x=x, diagonal=diagonal)
        if x.shape is None or diagonal.shape is None:
            return x
        batch, length = _of_matrix(x, self.k)
        wanted = (*batch, length)
        met = zip(wanted, diagonal.shape, strict=False)
        if len(wanted) != len(diagonal.shape) or any(
            same_dim(p, q, f"axis {k}") is None for k, (p, q) in enumerate(met)
        ):
            expected = dims.format_shape(wanted)
            raise Mismatch(f"diagonal must be of shape {expected}", x=x, diagonal=diagonal)
        return x

    def reference(self, x: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
        out = x.copy()
        places = np.arange(diagonal.shape[-1])
        out[..., places - min(self.k, 0), places + max(self.k, 0)] = diagonal
        return out

    def element(self, e: Any, at: tuple[Dim, ...], x: Any, diagonal: Any) -> Any:
        *batch, i, j = at
        column, wanted = e.position(j), e.position(i + self.k)
        off = e.let(f"ne({column}, {wanted})", bool_, column, wanted)
        return e.value_or(diagonal, (*batch, i + min(self.k, 0)), off, x(*at))

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, diagonal: Any) -> list:
        cleared = b.matrix_set_diag(ct, b.zeros_like(diagonal), k=self.k)
        return [cleared, b.matrix_diag_part(ct, k=self.k)]

    samples = [
        Sample("float32[3, 3]", "float32[3]"),
        Sample("float64[2, 3, 4]", "float64[2, 3]"),
        Sample("float64[4, 2]", "float64[2]", k=-1),
        Sample("int32[2, 4]", "int32[1]", k=3),
        Sample("bool[2, 2]", "bool[2]"),
        Sample("float32[0, 3]", "float32[0]"),
        Refuses("float32[3, 3]", "float32[2]", "diagonal must be of shape [3]"),
        Refuses("float32[3, 3]", "int32[3]", "dtypes of x and diagonal differ"),
    ]


@composite
def diag(b: Any, x: Any, name: str | None = None) -> Any:
    """The elements of ``x`` where both halves of an index are equal, zeros elsewhere."""
    shape = x.type.dims
    flat = b.reshape(x, shape=(dims.product(shape),))
    return b.reshape(b.matrix_diag(flat), shape=(*shape, *shape), name=name)


@composite
def diag_part(b: Any, x: Any, name: str | None = None) -> Any:
    """``y[i...] = x[i..., i...]``: the diagonal of a tensor whose shape is two equal halves."""
    shape = x.type.dims
    half = len(shape) // 2
    if (
        not shape
        or len(shape) % 2
        or any(
            same_dim(p, q, "diag_part") is None
            for p, q in zip(shape[:half], shape[half:], strict=True)
        )
    ):
        raise Mismatch("x must have the same sizes twice over, as [2, 3, 2, 3]", x=x.type)
    n = dims.product(shape[:half])
    flat = b.matrix_diag_part(b.reshape(x, shape=(n, n)))
    return b.reshape(flat, shape=shape[:half], name=name)
