"""Linear algebra that runs in Python, by NumPy's LAPACK: inverses, determinants, systems.

The last two axes of an operand are the rows and columns of a matrix, axes before them count
matrices.  An :class:`~graphc.errors.InvalidArgumentError` names the matrix that has no result.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir.builder import composite
from graphc.ir.dims import Dim, Shape
from graphc.ir.dtype import COMPLEX, float32, float64
from graphc.ir.op import REQUIRED, Kind, NotDifferentiable, Op, Refuses, Sample, describe
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, broadcast, same_dim, same_dtype

BLOCK = 64  # rows a triangular system is solved by at once

# Well-conditioned matrices for samples.
SQUARE = [[2.0, -0.5, 0.3], [0.4, 1.5, -0.7], [-0.2, 0.6, 1.8]]
SQUARES = [SQUARE, [[1.0, 0.2, 0.1], [-0.3, -1.4, 0.5], [0.7, 0.1, 2.2]]]
ROUND = [[2.0 + 1j, -0.5j, 0.3], [0.4, 1.5 - 1j, -0.7 + 0.2j], [-0.2j, 0.6, 1.8 + 0.5j]]
HERMITIAN = [[2.0, 0.4 - 0.5j, -0.3j], [0.4 + 0.5j, 1.5, 0.2], [0.3j, 0.2, 1.1]]
DEFINITE = [[2.0, 0.4, -0.3], [0.4, 1.5, 0.2], [-0.3, 0.2, 1.1]]


class LinearAlgebra(Op, abstract=True):
    """An op on matrices that runs in Python on float32, float64, or complex numbers of these."""

    kind = Kind.HOST
    may_fail = True
    dtypes = (float32, float64, *COMPLEX)

    def host(self, *arrays: np.ndarray) -> tuple:
        with np.errstate(all="ignore"):
            found = self.reference(*arrays)
        return found if isinstance(found, tuple) else (found,)

    def checked(self, **operands: TensorType) -> None:
        """Refuse other dtypes, and operands that are no matrices."""
        dtype = same_dtype(**operands)
        name, first = next(iter(operands.items()))
        if dtype not in self.dtypes:
            raise DTypeMismatch(f"{name} must be {describe(self.dtypes)}, got {first}")
        for name, x in operands.items():
            if x.shape is not None and len(x.shape) < 2:
                wrong: dict[str, Any] = {name: x}
                raise Mismatch(f"{name} must be a matrix, its rank is {len(x.shape)}", **wrong)


def matrix_size(name: str, x: TensorType) -> Dim:
    """Rows (and columns) of a square matrix."""
    size = same_dim(x.dims[-2], x.dims[-1], "rows and columns")
    if size is None:
        wrong: dict[str, Any] = {name: x}
        raise Mismatch(f"{name} must be square, it is [{x.dims[-2]}, {x.dims[-1]}]", **wrong)
    return size


def each_matrix(function: Callable, failure: str, x: np.ndarray, *others: np.ndarray) -> Any:
    """``function`` of all matrices together; where NumPy gives up, an error naming the first."""
    try:
        return function(x, *others)
    except np.linalg.LinAlgError:
        raise InvalidArgumentError(f"{failure}{_first_bad(function, x, others)}") from None


def _first_bad(function: Callable, x: np.ndarray, others: tuple[np.ndarray, ...]) -> str:
    for place in np.ndindex(x.shape[:-2]):
        try:
            function(x[place], *(o[place] for o in others))
        except np.linalg.LinAlgError:
            return f" (matrix {list(place)})" if place else ""
    return ""


def adjoint(b: Any, x: Any) -> Any:
    """Each matrix transposed, and of complex numbers the conjugate."""
    if x.dtype.is_complex:
        x = b.conj(x)
    if x.type.rank is None:
        return b.einsum(x, equation="...ij->...ji")
    rank = x.type.rank
    return b.transpose(x, perm=(*range(rank - 2), rank - 1, rank - 2))


class MatrixInverse(LinearAlgebra):
    """The inverse of each matrix, or with ``adjoint`` its transpose."""

    holomorphic = True
    operands = ("x",)
    attributes = {"adjoint": False}

    def infer_type(self, x: TensorType) -> TensorType:
        self.checked(x=x)
        if x.shape is None:
            return x
        size = matrix_size("x", x)
        return x.with_shape((*x.shape[:-2], size, size))

    def reference(self, x: np.ndarray) -> np.ndarray:
        given = x.swapaxes(-1, -2) if self.adjoint else x
        return np.ascontiguousarray(each_matrix(np.linalg.inv, "Input is not invertible", given))

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        turned = not self.adjoint
        inner = b.matmul(ct, y, transpose_a=self.adjoint, transpose_b=turned)
        return [b.neg(b.matmul(y, inner, transpose_a=turned))]

    samples = [
        Sample("float32[3, 3]", values={0: SQUARE}, tolerance=8),
        Sample("float64[3, 3]", values={0: SQUARE}, adjoint=True),
        Sample("float64[2, 3, 3]", values={0: SQUARES}),
        Sample("float64[1, 1]", values={0: [[4.0]]}),
        Sample("float32[0, 3, 3]"),
        Sample("float32[2, 0, 0]"),
        Refuses("float32[2, 3]", "x must be square, it is [2, 3]"),
        Refuses("float32[3]", "x must be a matrix, its rank is 1"),
        Sample("complex64[3, 3]", values={0: ROUND}, tolerance=8),
        Sample("complex128[3, 3]", values={0: ROUND}, adjoint=True),
        Refuses("int32[3, 3]", "x must be floating or complex, got int32[3, 3]"),
    ]


class MatrixDeterminant(LinearAlgebra):
    """The determinant of each matrix."""

    holomorphic = True
    operands = ("x",)

    def infer_type(self, x: TensorType) -> TensorType:
        self.checked(x=x)
        if x.shape is None:
            return x
        matrix_size("x", x)
        return x.with_shape(x.shape[:-2])

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(np.linalg.det(x), x.dtype)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(_as_matrices(b, b.mul(ct, y)), b.matrix_inverse(x, adjoint=True))]

    samples = [
        Sample("float32[3, 3]", values={0: SQUARE}, tolerance=4),
        Sample("float64[2, 3, 3]", values={0: SQUARES}),
        Sample("float64[2, 2]", values={0: [[1.0, 2.0], [2.0, 4.0]]}, gradient=False),
        Sample("complex64[3, 3]", values={0: ROUND}, tolerance=4),
        Sample("float32[2, 0, 0]"),
        Refuses("float32[2, 3]", "x must be square, it is [2, 3]"),
    ]


def _as_matrices(b: Any, x: Any) -> Any:
    """Numbers as matrices of one element."""
    return b.expand_dims(b.expand_dims(x, axis=-1), axis=-1)


class LogMatrixDeterminant(LinearAlgebra):
    """The sign of each matrix's determinant (a number of magnitude 1), and the logarithm of its
    magnitude; both in the dtype of ``x``."""

    operands = ("x",)

    def infer_type(self, x: TensorType) -> tuple[TensorType, TensorType]:
        self.checked(x=x)
        if x.shape is None:
            return x, x
        matrix_size("x", x)
        one = x.with_shape(x.shape[:-2])
        return one, one

    def reference(self, x: np.ndarray) -> tuple:
        sign, logarithm = np.linalg.slogdet(x)
        return np.asarray(sign, x.dtype), np.asarray(logarithm, x.dtype)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        of_sign, of_logarithm = ct
        if x.dtype.is_complex:
            return [self._of_complex(b, of_sign, of_logarithm, y[0], x)]
        if of_logarithm is None:
            return [NotDifferentiable("the sign of a determinant is a step")]
        return [b.mul(_as_matrices(b, of_logarithm), b.matrix_inverse(x, adjoint=True))]

    def _of_complex(self, b: Any, of_sign: Any, of_logarithm: Any, sign: Any, x: Any) -> Any:
        """A change ``trace(inverse(x) @ dx)`` is of the logarithm in its real part, and turns the
        sign by its imaginary part."""
        total = b.zeros_like(sign)
        if of_logarithm is not None:
            total = b.mul(b.add(of_logarithm, b.conj(of_logarithm)), 0.5)
        if of_sign is not None:
            turned = b.mul(sign, b.conj(of_sign))
            total = b.add(total, b.mul(b.sub(b.conj(turned), turned), 0.5))
        return b.mul(_as_matrices(b, total), b.conj(b.matrix_inverse(x, adjoint=True)))

    samples = [
        Sample("float32[3, 3]", values={0: SQUARE}, tolerance=4),
        Sample("float64[2, 3, 3]", values={0: SQUARES}),
        Sample("float64[2, 2]", values={0: [[1.0, 2.0], [2.0, 4.0]]}, gradient=False),
        Sample("complex64[3, 3]", values={0: ROUND}, tolerance=4),
        Sample("complex128[3, 3]", values={0: ROUND}),
        Refuses("float32[2, 3]", "x must be square, it is [2, 3]"),
    ]


class Cholesky(LinearAlgebra):
    """The lower triangular ``y`` with ``y @ adjoint(y) == x``, of symmetric (Hermitian) positive
    definite matrices.

    Only the lower triangle of ``x`` is read; its gradient is symmetric (Hermitian).
    """

    operands = ("x",)

    def infer_type(self, x: TensorType) -> TensorType:
        self.checked(x=x)
        if x.shape is None:
            return x
        size = matrix_size("x", x)
        return x.with_shape((*x.shape[:-2], size, size))

    def reference(self, x: np.ndarray) -> np.ndarray:
        failure = "Cholesky decomposition was not successful: the matrix is not positive definite"
        return each_matrix(np.linalg.cholesky, failure, x)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        diagonal = b.ones_like(b.matrix_diag_part(y))
        inverse = b.matrix_triangular_solve(y, b.matrix_diag(diagonal))
        middle = b.matmul(b.conj(y) if y.dtype.is_complex else y, ct, transpose_a=True)
        middle = b.matrix_set_diag(middle, b.mul(b.matrix_diag_part(middle), 0.5))
        middle = b.matrix_band_part(middle, lower=-1, upper=0)
        turned = b.conj(inverse) if y.dtype.is_complex else inverse
        half = b.matmul(b.matmul(turned, middle, transpose_a=True), inverse)
        return [b.mul(b.add(half, adjoint(b, half)), 0.5)]

    # The slope of one element of x is not its symmetric gradient: see tests/ops/test_linalg.py.
    samples = [
        Sample("float32[3, 3]", values={0: DEFINITE}, tolerance=4, gradient=False),
        Sample("float64[2, 3, 3]", values={0: [DEFINITE, np.eye(3).tolist()]}, gradient=False),
        Sample("float64[1, 1]", values={0: [[4.0]]}),
        Sample("complex64[3, 3]", values={0: HERMITIAN}, tolerance=4, gradient=False),
        Sample("float32[0, 3, 3]"),
        Refuses("float32[2, 3]", "x must be square, it is [2, 3]"),
        Refuses("int32[3, 3]", "x must be floating or complex, got int32[3, 3]"),
    ]


class _System(LinearAlgebra, abstract=True):
    """``y`` with ``matrix @ y == rhs``."""

    operands = ("matrix", "rhs")
    broadcasts = False

    def infer_type(self, matrix: TensorType, rhs: TensorType) -> TensorType:
        self.checked(matrix=matrix, rhs=rhs)
        if matrix.shape is None or rhs.shape is None:
            return rhs.with_shape(None)
        size = matrix_size("matrix", matrix)
        if same_dim(size, rhs.shape[-2], "rows") is None:
            raise Mismatch("matrix and rhs differ in rows", matrix=matrix, rhs=rhs)
        return rhs.with_shape((*self._counts(matrix, rhs), size, rhs.shape[-1]))

    def _counts(self, matrix: TensorType, rhs: TensorType) -> Shape:
        counts = {"matrix": matrix.dims[:-2], "rhs": rhs.dims[:-2]}
        if self.broadcasts:
            try:
                types = {k: rhs.with_shape(shape) for k, shape in counts.items()}
                return broadcast(**types) or ()
            except Mismatch as mismatch:
                fact = mismatch.fact.replace("shapes do", "the axes before the matrices do")
                raise Mismatch(fact, matrix=matrix, rhs=rhs) from None
        pairs = list(zip(*counts.values(), strict=False))
        shared = tuple(same_dim(p, q, f"axis {k}") for k, (p, q) in enumerate(pairs))
        if len(matrix.dims) != len(rhs.dims) or None in shared:
            raise Mismatch("matrix and rhs count different matrices", matrix=matrix, rhs=rhs)
        return shared  # type: ignore[return-value]

    def outer_cotangent(self, b: Any, y: Any, solved: Any) -> Any:
        """The cotangent of the matrix, from the cotangent ``solved`` of the right side."""
        if self.adjoint:
            return b.neg(b.matmul(y, solved, transpose_b=True))
        return b.neg(b.matmul(solved, y, transpose_b=True))


class MatrixSolve(_System):
    """``y`` with ``matrix @ y == rhs``, or ``matrix.T @ y == rhs`` with ``adjoint``."""

    holomorphic = True
    attributes = {"adjoint": False}

    def reference(self, matrix: np.ndarray, rhs: np.ndarray) -> np.ndarray:
        given = matrix.swapaxes(-1, -2) if self.adjoint else matrix
        return each_matrix(np.linalg.solve, "Input matrix is not invertible", given, rhs)

    def vjp(self, b: Any, ct: Any, y: Any, matrix: Any, rhs: Any) -> list:
        solved = b.matrix_solve(matrix, ct, adjoint=not self.adjoint)
        return [self.outer_cotangent(b, y, solved), solved]

    samples = [
        Sample("float32[3, 3]", "float32[3, 2]", values={0: SQUARE}, tolerance=8),
        Sample("float64[3, 3]", "float64[3, 2]", values={0: SQUARE}, adjoint=True),
        Sample("float64[2, 3, 3]", "float64[2, 3, 1]", values={0: SQUARES}),
        Sample("float32[0, 3, 3]", "float32[0, 3, 2]"),
        Sample("float32[3, 3]", "float32[3, 0]", values={0: SQUARE}),
        Sample("complex64[3, 3]", "complex64[3, 2]", values={0: ROUND}, tolerance=8),
        Sample("complex128[3, 3]", "complex128[3, 2]", values={0: ROUND}, adjoint=True),
        Refuses("float32[2, 3]", "float32[2, 1]", "matrix must be square, it is [2, 3]"),
        Refuses("float32[3, 3]", "float32[2, 1]", "matrix and rhs differ in rows"),
        Refuses("float32[2, 3, 3]", "float32[3, 1]", "matrix and rhs count different matrices"),
        Refuses("float32[3, 3]", "float32[3]", "rhs must be a matrix, its rank is 1"),
        Refuses("float32[3, 3]", "float64[3, 1]", "dtypes of matrix and rhs differ"),
    ]


class MatrixTriangularSolve(_System):
    """``y`` with ``triangle @ y == rhs``, where the triangle is the ``lower`` (or upper) one of
    ``matrix`` (transposed with ``adjoint``); the rest of ``matrix`` is not read."""

    holomorphic = True
    attributes = {"lower": True, "adjoint": False}
    broadcasts = True

    def reference(self, matrix: np.ndarray, rhs: np.ndarray) -> np.ndarray:
        triangle = np.tril(matrix) if self.lower else np.triu(matrix)
        if self.adjoint:
            triangle = triangle.swapaxes(-1, -2)
        self._refuse_zero(triangle)
        return _substituted(triangle, rhs, self.lower != self.adjoint)

    def host(self, *arrays: np.ndarray) -> tuple:
        matrix, rhs = arrays
        small = matrix.shape[-1] <= BLOCK or not rhs.size
        if small or importlib.util.find_spec("scipy") is None:
            return super().host(matrix, rhs)
        self._refuse_zero(matrix)
        return (self._by_lapack(matrix, rhs),)

    def _by_lapack(self, matrix: np.ndarray, rhs: np.ndarray) -> np.ndarray:
        """By LAPACK's ``trtrs``, which NumPy does not have: a matrix by columns is the transposed
        one by rows."""
        from scipy.linalg.lapack import get_lapack_funcs

        counts = np.broadcast_shapes(matrix.shape[:-2], rhs.shape[:-2])
        matrix, rhs = (np.broadcast_to(x, (*counts, *x.shape[-2:])) for x in (matrix, rhs))
        y = np.empty(rhs.shape, rhs.dtype)
        (solve,) = get_lapack_funcs(("trtrs",), (matrix, rhs))
        for place in np.ndindex(counts):
            turned = int(not self.adjoint)
            y[place] = solve(matrix[place].T, rhs[place], lower=not self.lower, trans=turned)[0]
        return y

    def _refuse_zero(self, triangle: np.ndarray) -> None:
        zero = np.diagonal(triangle, axis1=-2, axis2=-1) == 0
        if zero.any():
            place = np.argwhere(zero)[0][:-1].tolist()
            which = f" (matrix {place})" if place else ""
            raise InvalidArgumentError(f"Input matrix is not invertible{which}")

    def vjp(self, b: Any, ct: Any, y: Any, matrix: Any, rhs: Any) -> list:
        solved = b.matrix_triangular_solve(matrix, ct, lower=self.lower, adjoint=not self.adjoint)
        outer = self.outer_cotangent(b, y, solved)
        bounds = (-1, 0) if self.lower else (0, -1)
        inside = b.matrix_band_part(outer, lower=bounds[0], upper=bounds[1])
        return [inside, solved]

    samples = [
        Sample("float32[3, 3]", "float32[3, 2]", values={0: SQUARE}, tolerance=8),
        Sample("float64[3, 3]", "float64[3, 2]", values={0: SQUARE}, lower=False),
        Sample("float64[3, 3]", "float64[3, 2]", values={0: SQUARE}, adjoint=True),
        Sample("float64[2, 3, 3]", "float64[2, 3, 1]", values={0: SQUARES}, lower=False,
               adjoint=True),
        Sample("float64[2, 3, 3]", "float64[3, 2]", values={0: SQUARES}),
        Sample("complex128[3, 3]", "complex128[3, 2]", values={0: ROUND}, lower=False),
        Sample("complex128[3, 3]", "complex128[3, 2]", values={0: ROUND}, adjoint=True),
        Sample("float64[3, 3]", "float64[2, 3, 2]", values={0: SQUARE}),
        Sample("float32[0, 3, 3]", "float32[0, 3, 2]"),
        Refuses("float32[2, 3]", "float32[2, 1]", "matrix must be square, it is [2, 3]"),
        Refuses("float32[2, 3, 3]", "float32[3, 3, 1]",
                "the axes before the matrices do not broadcast (axis -1)"),
    ]  # fmt: skip


def _substituted(triangle: np.ndarray, rhs: np.ndarray, lower: bool) -> np.ndarray:
    """The solution of a triangular system, a block of rows at a time."""
    counts = np.broadcast_shapes(triangle.shape[:-2], rhs.shape[:-2])
    y = np.broadcast_to(rhs, (*counts, *rhs.shape[-2:])).copy()
    size = triangle.shape[-1]
    starts = range(0, size, BLOCK)
    for start in starts if lower else reversed(starts):
        rows = slice(start, min(start + BLOCK, size))
        known = slice(0, start) if lower else slice(rows.stop, size)
        y[..., rows, :] -= triangle[..., rows, known] @ y[..., known, :]
        y[..., rows, :] = np.linalg.solve(triangle[..., rows, rows], y[..., rows, :])
    return y


@composite
def cholesky_solve(b: Any, chol: Any, rhs: Any, name: str | None = None) -> Any:
    """``y`` with ``chol @ adjoint(chol) @ y == rhs``, for a lower triangular ``chol``."""
    half = b.matrix_triangular_solve(chol, rhs)
    if chol.dtype.is_complex:
        chol = b.conj(chol)
    return b.matrix_triangular_solve(chol, half, adjoint=True, name=name)


class MatrixSolveLs(LinearAlgebra):
    """The ``y`` for which ``|matrix @ y - rhs|**2 + l2 * |y|**2`` is least.

    ``fast`` goes by the normal equations, which lose half the digits and need full rank; else the
    smallest of the solutions without ``l2`` is found by singular values.
    """

    operands = ("matrix", "rhs")
    dtypes = (float32, float64)
    attributes = {"l2": REQUIRED, "fast": True}

    def infer_type(self, matrix: TensorType, rhs: TensorType) -> TensorType:
        self.checked(matrix=matrix, rhs=rhs)
        if matrix.shape is None or rhs.shape is None:
            return rhs.with_shape(None)
        pairs = zip(matrix.shape[:-1], rhs.shape[:-1], strict=False)
        shared = [same_dim(p, q, f"axis {k}") for k, (p, q) in enumerate(pairs)]
        counts = [d for d in shared[:-1] if d is not None]
        if len(matrix.shape) != len(rhs.shape) or len(counts) < len(shared) - 1:
            raise Mismatch("matrix and rhs count different matrices", matrix=matrix, rhs=rhs)
        if shared[-1] is None:
            raise Mismatch("matrix and rhs differ in rows", matrix=matrix, rhs=rhs)
        return rhs.with_shape((*counts, matrix.shape[-1], rhs.shape[-1]))

    def reference(self, matrix: np.ndarray, rhs: np.ndarray) -> np.ndarray:
        if not self.fast:
            counts, size = matrix.shape[:-2], matrix.shape[-1]
            y = np.empty((*counts, size, rhs.shape[-1]), rhs.dtype)
            for place in np.ndindex(counts):
                y[place] = np.linalg.lstsq(matrix[place], rhs[place])[0]
            return y
        rows, columns = matrix.shape[-2:]
        turned = matrix.swapaxes(-1, -2)
        tall = rows >= columns
        gram = turned @ matrix if tall else matrix @ turned
        gram += (self.l2 * np.eye(gram.shape[-1])).astype(gram.dtype)
        factor = each_matrix(np.linalg.cholesky, "matrix is not of full rank", gram)
        half = _substituted(factor, turned @ rhs if tall else rhs, lower=True)
        y = _substituted(factor.swapaxes(-1, -2), half, lower=False)
        return y if tall else turned @ y

    def vjp(self, b: Any, ct: Any, y: Any, matrix: Any, rhs: Any) -> list:
        if not self.fast:
            return [NotDifferentiable("matrix_solve_ls has a gradient only where fast is True")] * 2
        if matrix.type.rank is None or not all(isinstance(d, int) for d in matrix.type.dims[-2:]):
            return [NotDifferentiable("the sizes of the matrix must be known")] * 2
        rows, columns = matrix.type.dims[-2:]
        tall = rows >= columns
        gram = b.matmul(matrix, matrix, transpose_a=tall, transpose_b=not tall)
        if self.l2:
            gram = b.matrix_set_diag(gram, b.add(b.matrix_diag_part(gram), self.l2))
        factor = b.cholesky(gram)
        return self._tall(b, ct, y, matrix, rhs, factor) if tall else (
            self._wide(b, ct, matrix, rhs, factor)
        )  # fmt: skip

    def _tall(self, b: Any, ct: Any, y: Any, matrix: Any, rhs: Any, factor: Any) -> list:
        z = b.cholesky_solve(factor, ct)
        outer = b.matmul(y, z, transpose_b=True)
        both = b.matmul(matrix, b.add(outer, adjoint(b, outer)))
        return [b.sub(b.matmul(rhs, z, transpose_b=True), both), b.matmul(matrix, z)]

    def _wide(self, b: Any, ct: Any, matrix: Any, rhs: Any, factor: Any) -> list:
        solved = b.cholesky_solve(factor, b.matmul(matrix, ct))
        inner = b.cholesky_solve(factor, rhs)
        first = b.matmul(solved, b.matmul(inner, matrix, transpose_a=True))
        rest = b.sub(ct, b.matmul(matrix, solved, transpose_a=True))
        return [b.sub(b.matmul(inner, rest, transpose_b=True), first), solved]

    samples = [
        Sample("float32[4, 2]", "float32[4, 1]", l2=0.5, tolerance=16),
        Sample("float64[4, 2]", "float64[4, 3]", l2=0.0, tolerance=16),
        Sample("float64[2, 2, 3]", "float64[2, 2, 1]", l2=0.1, tolerance=16),
        Sample("float64[3, 3]", "float64[3, 1]", values={0: SQUARE}, l2=0.0),
        Sample("float64[4, 2]", "float64[4, 1]", l2=0.0, fast=False, gradient=False),
        Sample("float64[2, 2]", "float64[2, 1]", values={0: [[1.0, 1.0], [1.0, 1.0]]}, l2=0.0,
               fast=False, gradient=False),
        Refuses("float32[3, 2]", "float32[2, 1]", "matrix and rhs differ in rows", l2=0.0),
        Refuses("float32[2, 3, 2]", "float32[3, 1]", "matrix and rhs count different matrices",
                l2=0.0),
    ]  # fmt: skip
