"""Matrix factorizations and functions, by NumPy's LAPACK: QR, singular values, eigenvalues,
exponentials.

The last two axes are the rows and columns of a matrix, axes before them count matrices.  Columns
of orthogonal factors are determined up to their sign; of complex ones up to a number of magnitude
1, so a gradient is that of a loss which does not depend on it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir.dims import Dim
from graphc.ir.dtype import float32, float64
from graphc.ir.op import NotDifferentiable, Refuses, Sample
from graphc.ir.types import TensorType
from graphc.ops.products.linalg import (
    HERMITIAN,
    ROUND,
    SQUARE,
    SQUARES,
    LinearAlgebra,
    adjoint,
    each_matrix,
    matrix_size,
)  # fmt: skip
from graphc.ops.running.precision import in_float64
from graphc.ops.shaping.shape import minimum

TINY = 1e-20  # added to a square before its reciprocal, so that equal values give 0
TALL = [[1.0, 0.3], [-0.4, 1.7], [0.6, 0.2]]
WIDE = [[1.0, -0.4, 0.6], [0.3, 1.7, 0.2]]


def _safe_reciprocal(b: Any, x: Any) -> Any:
    return b.mul(x, b.reciprocal(b.add(b.square(x), TINY)))


def _gaps(b: Any, values: Any) -> Any:
    """``1 / (values[j] - values[i])`` off the diagonal, 0 on it."""
    gap = b.sub(b.expand_dims(values, axis=-2), b.expand_dims(values, axis=-1))
    return b.matrix_set_diag(_safe_reciprocal(b, gap), b.zeros_like(values))


def _real(b: Any, x: Any) -> Any:
    """The real part, in the dtype of ``x``."""
    return b.mul(b.add(x, b.conj(x)), 0.5) if x.dtype.is_complex else x


def _with_real_diagonal(b: Any, x: Any) -> Any:
    """The lower triangle of ``x + adjoint(x)``, with the diagonal of ``x``."""
    lower = b.matrix_band_part(b.add(x, adjoint(b, x)), lower=-1, upper=0)
    return b.matrix_set_diag(lower, _real(b, b.matrix_diag_part(x)))


class Qr(LinearAlgebra):
    """``q`` with orthonormal columns and upper triangular ``r``: ``q @ r == x``.

    ``full_matrices`` makes q square.
    """

    operands = ("x",)
    attributes = {"full_matrices": False}

    def infer_type(self, x: TensorType) -> tuple[TensorType, TensorType]:
        self.checked(x=x)
        if x.shape is None:
            return x, x
        *counts, rows, columns = x.shape
        inner = rows if self.full_matrices else minimum(rows, columns)
        return x.with_shape((*counts, rows, inner)), x.with_shape((*counts, inner, columns))

    def reference(self, x: np.ndarray) -> tuple:
        q, r = np.linalg.qr(x, "complete" if self.full_matrices else "reduced")
        return np.asarray(q, x.dtype), np.asarray(r, x.dtype)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        """Walter, Lehmann and Lamour, "On evaluating higher-order derivatives of the QR
        decomposition of tall matrices with full column rank" (2012).

        The columns of a wide matrix behind its first square one are ``q @ r`` of these columns.
        """
        q, r = y
        dq, dr = (b.zeros_like(t) if c is None else c for c, t in zip(ct, y, strict=True))
        if _is_tall(x, square=self.full_matrices):
            return [_of_tall(b, dq, dr, q, r)]
        if not _is_wide(x):
            needed = "a square or a wide matrix" if self.full_matrices else "known rows and columns"
            return [NotDifferentiable(f"qr has a gradient only for {needed}")]
        rows = x.type.dims[-2]
        (first_r, _), (first_dr, rest_dr), (_, rest_x) = (_cut(b, t, rows) for t in (r, dr, x))
        dq = b.add(dq, b.matmul(rest_x, adjoint(b, rest_dr)))
        return [b.concat(_of_tall(b, dq, first_dr, q, first_r), b.matmul(q, rest_dr), axis=-1)]

    samples = [
        Sample("float32[3, 3]", values={0: SQUARE}, tolerance=8),
        Sample("float64[3, 2]", values={0: TALL}),
        Sample("float64[3, 2]", values={0: TALL}, full_matrices=True, gradient=False),
        Sample("float64[2, 3]", values={0: WIDE}),
        Sample("float64[2, 3]", values={0: WIDE}, full_matrices=True),
        Sample("float64[2, 3, 3]", values={0: SQUARES}),
        Sample("float64[3, 3]", values={0: SQUARE}, full_matrices=True),
        Sample("float32[0, 3, 2]", gradient=False),
        Sample("complex64[3, 3]", values={0: ROUND}, tolerance=8),
        Sample("complex128[3, 3]", values={0: ROUND}),
        Refuses("float32[3]", "x must be a matrix, its rank is 1"),
        Refuses("int32[3, 3]", "x must be floating or complex, got int32[3, 3]"),
    ]


def _divided(b: Any, x: Any, r: Any) -> Any:
    """``x @ adjoint(inverse(r))`` for an upper triangular ``r``."""
    return adjoint(b, b.matrix_triangular_solve(r, adjoint(b, x), lower=False))


def _of_tall(b: Any, dq: Any, dr: Any, q: Any, r: Any) -> Any:
    """The cotangent of ``q @ r``, which has at least as many rows as columns."""
    inner = b.sub(b.matmul(r, adjoint(b, dr)), b.matmul(adjoint(b, dq), q))
    lower = b.matrix_set_diag(
        b.matrix_band_part(inner, lower=-1, upper=0), b.zeros_like(b.matrix_diag_part(inner))
    )
    both = b.add(lower, adjoint(b, lower))
    both = b.matrix_set_diag(both, _real(b, b.matrix_diag_part(inner)))
    return _divided(b, b.add(dq, b.matmul(q, both)), r)


def _cut(b: Any, x: Any, columns: int) -> tuple[Any, Any]:
    """The first ``columns``, and the others."""
    *counts, rows, size = x.type.dims
    none = (0,) * (len(counts) + 1)
    return (
        b.slice(x, begin=(*none, 0), size=(*counts, rows, columns)),
        b.slice(x, begin=(*none, columns), size=(*counts, rows, size - columns)),
    )


def _is_wide(x: Any) -> bool:
    if x.type.rank is None:
        return False
    rows, columns = x.type.dims[-2:]
    return isinstance(rows, int) and isinstance(columns, int) and rows < columns


def _is_tall(x: Any, square: bool) -> bool:
    if x.type.rank is None:
        return False
    rows, columns = x.type.dims[-2:]
    if rows == columns:
        return True
    return not square and isinstance(rows, int) and isinstance(columns, int) and rows > columns


class Svd(LinearAlgebra):
    """Singular values, largest first; then the left and right singular vectors as columns.

    ``u @ diag(s) @ adjoint(v) == x``, s being real.  ``full_matrices`` makes u and v square;
    ``vectors`` False gives the values alone.
    """

    operands = ("x",)
    attributes = {"vectors": True, "full_matrices": False}

    def infer_type(self, x: TensorType) -> Any:
        self.checked(x=x)
        if x.shape is None:
            values = x.with_dtype(x.dtype.real)
            return (values, x, x) if self.vectors else values
        *counts, rows, columns = x.shape
        count = minimum(rows, columns)
        values = x.with_shape((*counts, count)).with_dtype(x.dtype.real)
        if not self.vectors:
            return values

        def vectors(size: Dim) -> TensorType:
            return x.with_shape((*counts, size, size if self.full_matrices else count))

        return values, vectors(rows), vectors(columns)

    def reference(self, x: np.ndarray) -> Any:
        failure = "singular values were not found"
        if not self.vectors:
            return each_matrix(lambda m: np.linalg.svd(m, compute_uv=False), failure, x)
        u, s, v = each_matrix(lambda m: np.linalg.svd(m, self.full_matrices), failure, x)
        return s, u, np.ascontiguousarray(np.conjugate(v.swapaxes(-1, -2)))

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        if not self.vectors:
            _, u, v = b.svd(x)
            return [_scaled(b, u, _as(b, ct, x), v)]
        if self.full_matrices and not _is_tall(x, square=True):
            return [NotDifferentiable("svd with full_matrices has one only for square matrices")]
        s, u, v = y
        total = b.zeros_like(x) if ct[0] is None else _scaled(b, u, _as(b, ct[0], x), v)
        gaps = _as(b, _gaps(b, b.square(s)), x)
        s = _as(b, s, x)
        if ct[1] is not None:
            total = b.add(total, _of_left(b, ct[1], u, s, v, gaps))
        if ct[2] is not None:
            mirrored = _of_left(b, ct[2], v, s, u, gaps)
            total = b.add(total, adjoint(b, mirrored))
            if x.dtype.is_complex:
                total = b.add(total, _of_phase(b, ct[2], u, s, v))
        return [total]

    samples = [
        Sample("float32[3, 3]", values={0: SQUARE}, tolerance=8),
        Sample("float64[3, 2]", values={0: TALL}),
        Sample("float64[2, 3]", values={0: WIDE}),
        Sample("float64[2, 3, 3]", values={0: SQUARES}),
        Sample("float64[3, 3]", values={0: SQUARE}, full_matrices=True),
        Sample("float64[3, 2]", values={0: TALL}, full_matrices=True, gradient=False),
        Sample("float64[3, 2]", values={0: TALL}, vectors=False),
        Sample("float32[2, 3, 3]", values={0: SQUARES}, vectors=False, tolerance=4),
        Sample("float32[0, 2, 3]"),
        Sample("complex128[3, 3]", values={0: ROUND}, gradient=False),
        Sample("complex64[3, 3]", values={0: ROUND}, vectors=False, tolerance=8),
        Refuses("float32[3]", "x must be a matrix, its rank is 1"),
        Refuses("int32[3, 3]", "x must be floating or complex, got int32[3, 3]"),
    ]


def _as(b: Any, real: Any, x: Any) -> Any:
    """Real numbers in the dtype of ``x``."""
    return b.cast(real, dtype=x.dtype) if x.dtype.is_complex else real


def _scaled(b: Any, u: Any, s: Any, v: Any) -> Any:
    """``u @ diag(s) @ adjoint(v)``, for the columns of u and v that s has values for."""
    return b.matmul(b.mul(u, b.expand_dims(s, axis=-2)), adjoint(b, v))


def _of_phase(b: Any, dv: Any, u: Any, s: Any, v: Any) -> Any:
    """What a turn of both vectors of a singular value adds: it turns the value itself.

    Wan and Zhang, "Automatic differentiation for complex valued SVD" (2019).
    """
    turned = b.matrix_diag_part(b.matmul(adjoint(b, v), dv))
    half = b.mul(b.sub(b.conj(turned), turned), 0.5)
    return _scaled(b, u, b.mul(half, _safe_reciprocal(b, s)), v)


def _of_left(b: Any, du: Any, u: Any, s: Any, v: Any, gaps: Any) -> Any:
    """What the cotangent of the left vectors adds to that of ``u @ diag(s) @ adjoint(v)``.

    Giles, "An extended collection of matrix derivative results" (2008), 3.4.
    """
    of_u = b.matmul(adjoint(b, u), du)
    turning = b.mul(gaps, of_u)
    symmetric = b.add(turning, adjoint(b, turning))
    inside = b.matmul(u, b.mul(symmetric, b.expand_dims(s, axis=-2)))
    outside = b.sub(du, b.matmul(u, of_u))
    over = b.mul(outside, b.expand_dims(_safe_reciprocal(b, s), axis=-2))
    return b.matmul(b.add(inside, over), adjoint(b, v))


class SelfAdjointEig(LinearAlgebra):
    """Eigenvalues of symmetric (Hermitian) matrices, smallest first; then the eigenvectors as
    columns.  Both have the dtype of ``x``.

    Only the lower triangle of ``x`` is read, and gets all of the gradient.  ``vectors`` False
    gives the values alone.
    """

    operands = ("x",)
    attributes = {"vectors": True}

    def infer_type(self, x: TensorType) -> Any:
        self.checked(x=x)
        if x.shape is None:
            return (x, x) if self.vectors else x
        size = matrix_size("x", x)
        values = x.with_shape((*x.shape[:-2], size))
        return (values, x.with_shape((*x.shape[:-2], size, size))) if self.vectors else values

    def reference(self, x: np.ndarray) -> Any:
        failure = "eigenvalues were not found"
        if not self.vectors:
            return each_matrix(np.linalg.eigvalsh, failure, x).astype(x.dtype)
        values, vectors = each_matrix(np.linalg.eigh, failure, x)
        return values.astype(x.dtype), vectors

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        if not self.vectors:
            _, v = b.self_adjoint_eig(x)
            return [_with_real_diagonal(b, _scaled(b, v, _real(b, ct), v))]
        values, v = y
        inner = b.zeros_like(v) if ct[0] is None else b.matrix_diag(_real(b, ct[0]))
        if ct[1] is not None:
            turning = b.mul(_gaps(b, values), b.matmul(adjoint(b, v), ct[1]))
            inner = b.add(inner, turning)
        return [_with_real_diagonal(b, b.matmul(v, b.matmul(inner, adjoint(b, v))))]

    samples = [
        Sample("float32[3, 3]", values={0: SQUARE}, tolerance=8),
        Sample("float64[2, 3, 3]", values={0: SQUARES}),
        Sample("float64[3, 3]", values={0: SQUARE}, vectors=False),
        Sample("float32[1, 1]", values={0: [[2.0]]}),
        Sample("float32[0, 3, 3]"),
        Sample("complex64[3, 3]", values={0: HERMITIAN}, tolerance=8, gradient=False),
        Sample("complex128[3, 3]", values={0: HERMITIAN}, vectors=False),
        Refuses("float32[2, 3]", "x must be square, it is [2, 3]"),
        Refuses("int32[3, 3]", "x must be floating or complex, got int32[3, 3]"),
    ]


class MatrixExponential(LinearAlgebra):
    """``sum_k x**k / k!`` of each matrix."""

    operands = ("x",)
    dtypes = (float32, float64)

    def infer_type(self, x: TensorType) -> TensorType:
        self.checked(x=x)
        if x.shape is None:
            return x
        size = matrix_size("x", x)
        return x.with_shape((*x.shape[:-2], size, size))

    @in_float64
    def reference(self, x: np.ndarray) -> np.ndarray:
        return _exponential(x)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        """The derivative in a direction stands beside the exponential of a matrix of both.

        Higham, "Functions of Matrices" (2008), 3.2.
        """
        if x.type.rank is None:
            return [NotDifferentiable("the rank of its operand must be known")]
        turned = adjoint(b, x)
        top = b.concat(turned, ct, axis=-1)
        bottom = b.concat(b.zeros_like(turned), turned, axis=-1)
        doubled = b.matrix_exponential(b.concat(top, bottom, axis=-2))
        *counts, size, _ = x.type.dims
        begin = (*(0 for _ in counts), 0, size)
        return [b.slice(doubled, begin=begin, size=x.type.dims)]

    samples = [
        Sample("float32[3, 3]", values={0: SQUARE}),
        Sample("float64[2, 3, 3]", values={0: SQUARES}),
        Sample("float64[2, 2]", values={0: [[0.0, 30.0], [-30.0, 0.0]]}, tolerance=100,
               gradient=False),
        Sample("float64[2, 2]", values={0: [[0.0, 0.0], [0.0, 0.0]]}),
        Sample("float32[0, 2, 2]"),
        Sample("float32[1, 0, 0]", gradient=False),
        Refuses("float32[2, 3]", "x must be square, it is [2, 3]"),
    ]  # fmt: skip


# The numerator of the [13/13] Pade approximant, and the norm up to which it is exact in float64.
_PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0,
    129060195264000.0, 10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0,
    960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
_PADE_NORM = 5.371920351148152


def _exponential(x: np.ndarray) -> np.ndarray:
    """Scaling and squaring: Higham, "The Scaling and Squaring Method for the Matrix Exponential
    Revisited" (2005)."""
    if not x.size:
        return x.copy()
    norm = np.abs(x).sum(axis=-2).max(axis=-1)
    finite = np.isfinite(norm)
    norm = np.where(finite, norm, 1.0)
    squarings = np.ceil(np.log2(np.maximum(norm / _PADE_NORM, 1.0))).astype(int)
    x = np.where(finite[..., None, None], x, 0.0) / 2.0 ** squarings[..., None, None]
    c, one = _PADE, np.eye(x.shape[-1])
    x2 = x @ x
    x4 = x2 @ x2
    x6 = x4 @ x2
    high = x6 @ (c[13] * x6 + c[11] * x4 + c[9] * x2)
    odd = x @ (high + c[7] * x6 + c[5] * x4 + c[3] * x2 + c[1] * one)
    high = x6 @ (c[12] * x6 + c[10] * x4 + c[8] * x2)
    even = high + c[6] * x6 + c[4] * x4 + c[2] * x2 + c[0] * one
    y = np.linalg.solve(even - odd, even + odd)
    for k in range(int(squarings.max())):
        y = np.where((squarings > k)[..., None, None], y @ y, y)
    return np.where(finite[..., None, None], y, np.nan)
