"""``tf.linalg``: factorizations, determinants and systems of matrices.

The last two axes of an operand are the rows and columns of a matrix, axes before them count
matrices.  Operands are float32 or float64.  A matrix that has no result (a singular one to invert,
one that is not positive definite to factor) is an InvalidArgumentError when the graph runs.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any, NamedTuple

import numpy as np

from frontends.tf.functions.contractions import einsum, matmul, matvec, tensordot
from frontends.tf.graph.tensor import builder, convert, known_rank
from frontends.tf.names.forwards import alike
from graphc.errors import ShapeError
from graphc.ir.builder import Builder, as_tensor
from graphc.ir.dtype import DType, int32
from graphc.ir.graph import Tensor
from graphc.ir.source import here
from graphc.ops.products.linalg import adjoint as turned

__all__ = [
    "adjoint", "cholesky", "cholesky_solve", "cross", "einsum", "expm", "logdet", "matmul",
    "matrix_determinant", "matrix_inverse", "matrix_rank", "matrix_solve", "matrix_solve_ls",
    "matrix_triangular_solve", "matvec", "pinv", "qr", "self_adjoint_eig", "self_adjoint_eigvals",
    "slogdet", "svd", "tensordot",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    from frontends.tf.names.missing import elsewhere

    return elsewhere("linalg", name, __dir__)


def __dir__() -> list[str]:
    return sorted(__all__)


class Qr(NamedTuple):
    """What :func:`qr` gives."""

    q: Tensor
    r: Tensor


LogMatrixDeterminant = namedtuple("LogMatrixDeterminant", "sign log_abs_determinant")


def cholesky(input: Any, name: str | None = None) -> Tensor:
    """The lower triangular ``y`` with ``y @ y.T == input``.

    input: [..., n, n], symmetric and positive definite; only its lower triangle is read.
    """
    x = convert(input)
    return builder(x).cholesky(x, name=name)


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Tensor:
    """``y`` with ``chol @ chol.T @ y == rhs``: [..., n, n], [..., n, k] -> [..., n, k].

    >>> y = tf.cholesky_solve(tf.cholesky(a), b)         # a @ y == b
    """
    factor, right = alike([chol, rhs])
    b = builder(factor, right)
    with b.home.name_scope(name or "cholesky_solve"):
        return b.cholesky_solve(factor, right)


def _conjugated(x: Tensor, adjoint: bool) -> Tensor:
    """What is left of an adjoint where the op transposes."""
    return builder(x).conj(x) if adjoint and x.dtype.is_complex else x


def matrix_inverse(input: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """The inverse of each matrix (its adjoint, with ``adjoint``): [..., n, n] -> [..., n, n]."""
    x = _conjugated(convert(input), adjoint)
    return builder(x).matrix_inverse(x, adjoint=adjoint, name=name)


def matrix_determinant(input: Any, name: str | None = None) -> Tensor:
    """The determinant of each matrix: [..., n, n] -> [...]."""
    x = convert(input)
    return builder(x).matrix_determinant(x, name=name)


def slogdet(input: Any, name: str | None = None) -> Any:
    """(sign, log_abs_determinant) of each matrix: [..., n, n] -> [...], [...].

    A singular matrix gives 0 and -inf.
    """
    x = convert(input)
    return LogMatrixDeterminant(*builder(x).log_matrix_determinant(x, name=name))


def logdet(matrix: Any, name: str | None = None) -> Tensor:
    """The logarithm of the determinant of positive definite matrices: [..., n, n] -> [...]."""
    x = convert(matrix)
    b = builder(x)
    with b.home.name_scope(name or "logdet"):
        diagonal = b.matrix_diag_part(b.cholesky(x))
        return b.mul(b.reduce_sum(b.log(diagonal), axis=(-1,)), 2.0)


def matrix_solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """``y`` with ``matrix @ y == rhs``: [..., n, n], [..., n, k] -> [..., n, k].

    With ``adjoint``, the adjoint of ``matrix`` is taken.
    """
    left, right = alike([matrix, rhs])
    left = _conjugated(left, adjoint)
    return builder(left, right).matrix_solve(left, right, adjoint=adjoint, name=name)


def matrix_triangular_solve(
    matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Tensor:
    """``y`` with ``triangle @ y == rhs``: [..., n, n], [..., n, k] -> [..., n, k].

    The triangle is the lower (or upper) one of ``matrix``, whose other elements are not read;
    with ``adjoint`` its adjoint is then taken.  The axes that count matrices broadcast.
    """
    left, right = alike([matrix, rhs])
    left = _conjugated(left, adjoint)
    return builder(left, right).matrix_triangular_solve(
        left, right, lower=lower, adjoint=adjoint, name=name
    )


def matrix_solve_ls(
    matrix: Any, rhs: Any, l2_regularizer: Any = 0.0, fast: bool = True, name: str | None = None
) -> Tensor:
    """The ``y`` for which ``|matrix @ y - rhs|**2 + l2_regularizer * |y|**2`` is least.

    matrix: [..., m, n], rhs: [..., m, k] -> [..., n, k].  ``fast`` goes by the normal equations,
    which need full rank; else singular values are used, ``l2_regularizer`` is not, and there is no
    gradient.
    """
    left, right = alike([matrix, rhs])
    l2 = float(_number(l2_regularizer, "l2_regularizer"))
    return builder(left, right).matrix_solve_ls(left, right, l2=l2, fast=fast, name=name)


def _number(value: Any, what: str) -> Any:
    tensor = as_tensor(value)
    if tensor is None:
        return value
    if tensor.node.op.name != "const":
        raise ShapeError(f"{what} must be a number, got {tensor.name}", site=here())
    return tensor.node.op.value.array


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> Qr:
    """(q, r): orthonormal columns and an upper triangle with ``q @ r == input``.

    input: [..., m, n] -> [..., m, k], [..., k, n], k the smaller of m and n, or m with
    ``full_matrices``.
    """
    x = convert(input)
    return Qr(*builder(x).qr(x, full_matrices=full_matrices, name=name))


def svd(
    tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None
) -> Any:
    """(s, u, v) with ``u @ diag(s) @ v.T == tensor``; only s where ``compute_uv`` is False.

    tensor: [..., m, n] -> s [..., k] (largest first), u [..., m, k], v [..., n, k], k the smaller
    of m and n; u and v are square with ``full_matrices``.
    """
    x = convert(tensor)
    b = builder(x)
    if not compute_uv:
        return b.svd(x, vectors=False, name=name)
    return tuple(b.svd(x, full_matrices=full_matrices, name=name))


def self_adjoint_eig(tensor: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """(e, v): the eigenvalues, smallest first, and the eigenvectors as columns.

    tensor: [..., n, n], symmetric; only its lower triangle is read -> [..., n], [..., n, n].
    """
    x = convert(tensor)
    values, vectors = builder(x).self_adjoint_eig(x, name=name)
    return values, vectors


def self_adjoint_eigvals(tensor: Any, name: str | None = None) -> Tensor:
    """The eigenvalues of symmetric matrices, smallest first: [..., n, n] -> [..., n]."""
    x = convert(tensor)
    return builder(x).self_adjoint_eig(x, vectors=False, name=name)


def expm(input: Any, name: str | None = None) -> Tensor:
    """The exponential of each matrix: [..., n, n] -> [..., n, n]."""
    x = convert(input)
    return builder(x).matrix_exponential(x, name=name)


def adjoint(matrix: Any, name: str | None = None) -> Tensor:
    """Each matrix transposed: [..., m, n] -> [..., n, m]."""
    x = convert(matrix)
    b = builder(x)
    if x.type.rank is not None and x.type.rank < 2:
        raise ShapeError(f"matrix must be a matrix, its rank is {x.type.rank}", site=here())
    with b.home.name_scope(name or "adjoint"):
        return turned(b, x)


def cross(a: Any, b: Any, name: str | None = None) -> Tensor:
    """The cross product of vectors of 3 elements: [..., 3], [..., 3] -> [..., 3]."""
    left, right = alike([a, b])
    return builder(left, right).cross(left, right, name=name)


def pinv(a: Any, rcond: Any = None, validate_args: bool = False, name: str | None = None) -> Tensor:
    """The pseudo-inverse: [..., m, n] -> [..., n, m].

    Singular values up to ``rcond`` (default ``10 * max(m, n) * eps``) of the largest count as 0.
    """
    x = convert(a)
    b = builder(x)
    with b.home.name_scope(name or "pinv"):
        s, u, v = b.svd(x)
        if rcond is None:
            rcond = b.mul(_rounding(b, x, s.dtype), 10.0)
        limit = b.mul(b.reduce_max(s, axis=(-1,), keepdims=True), rcond)
        counted = b.greater(s, limit)
        safe = b.where(counted, s, b.ones_like(s))
        inverse = b.where(counted, b.reciprocal(safe), b.zeros_like(s))
        scaled = b.mul(v, b.expand_dims(inverse, axis=-2))
        return b.matmul(scaled, u, transpose_b=True)


def matrix_rank(
    a: Any, tol: Any = None, validate_args: bool = False, name: str | None = None
) -> Tensor:
    """How many singular values are larger than ``tol``, int32: [..., m, n] -> [...].

    The default is ``max(m, n) * eps`` of the largest one.
    """
    x = convert(a)
    b = builder(x)
    with b.home.name_scope(name or "matrix_rank"):
        s = b.svd(x, vectors=False)
        if tol is None:
            largest = b.reduce_max(s, axis=(-1,), keepdims=True)
            tol = b.mul(largest, _rounding(b, x, s.dtype))
        return b.reduce_sum(b.cast(b.greater(s, tol), dtype=int32), axis=(-1,))


def _rounding(b: Builder, x: Tensor, dtype: DType) -> Tensor:
    """How far rounding moves a singular value that is 0, as a part of the largest."""
    known_rank(x, "the limit for singular values")
    rows, columns = (b.dim_value(dim=d, dtype=dtype) for d in x.type.dims[-2:])
    return b.mul(b.maximum(rows, columns), float(np.finfo(dtype.numpy).eps))
