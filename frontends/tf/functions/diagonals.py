"""Diagonals and the other parts of matrices: the last two axes are rows and columns."""

from __future__ import annotations

from typing import Any

from frontends.tf.graph.tensor import builder, convert, known_rank, plain, size_of, sizes_of
from graphc.errors import AttributeValueError
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import as_dtype, float32, int32
from graphc.ir.graph import Tensor
from graphc.ir.source import here


def diag(diagonal: Any, name: str | None = None) -> Tensor:
    """``y[i..., i...] = diagonal[i...]``, zeros elsewhere: shape [*s] -> [*s, *s].

    >>> tf.diag([1, 2])                      # [[1, 0], [0, 2]]
    """
    x = convert(diagonal)
    known_rank(x, "diag")
    b = builder(x)
    with b.home.name_scope(name or "Diag") as scope:
        return b.diag(x, name=scope)


def diag_part(input: Any, name: str | None = None) -> Tensor:
    """``y[i...] = input[i..., i...]``: shape [*s, *s] -> [*s]."""
    x = convert(input)
    known_rank(x, "diag_part")
    b = builder(x)
    with b.home.name_scope(name or "DiagPart") as scope:
        return b.diag_part(x, name=scope)


def _one_diagonal(k: Any, what: str) -> int:
    if isinstance(k, list | tuple) and len(set(k)) == 1:
        (k,) = set(k)
    if not hasattr(k, "__index__"):
        raise AttributeValueError(
            f"k must be one int, got {k!r}: a band of diagonals is not provided",
            subject=what, site=here(),
        )  # fmt: skip
    return k.__index__()


def matrix_diag(
    diagonal: Any, name: str | None = "diag", k: Any = 0, num_rows: Any = -1, num_cols: Any = -1,
    padding_value: Any = 0,
) -> Tensor:  # fmt: skip
    """Matrices with ``diagonal`` (its last axis) on diagonal ``k``, ``padding_value`` elsewhere.

    [..., n] -> [..., n + |k|, n + |k|], or of ``num_rows`` and ``num_cols``.
    """
    x = convert(diagonal)
    b, offset = builder(x), _one_diagonal(k, "matrix_diag")
    length = (x.type.shape or (0,))[-1] if x.type.shape is not None else None
    rows = None if _absent(num_rows) else size_of(b, num_rows)
    columns = None if _absent(num_cols) else size_of(b, num_cols)
    if (rows is None) != (columns is None) and length is not None:
        rows = length + max(-offset, 0) if rows is None else rows
        columns = length + max(offset, 0) if columns is None else columns
    how = {"k": offset, "rows": rows, "columns": columns, "padding": padding_value}
    return b.matrix_diag(x, name=name, **how)


def _absent(size: Any) -> bool:
    return isinstance(size, int) and size == -1


def matrix_diag_part(
    input: Any, name: str | None = "diag_part", k: Any = 0, padding_value: Any = 0
) -> Tensor:
    """Diagonal ``k`` of each matrix: [..., m, n] -> [..., min(m, n)] for k = 0."""
    x = convert(input)
    return builder(x).matrix_diag_part(x, k=_one_diagonal(k, "matrix_diag_part"), name=name)


def matrix_set_diag(input: Any, diagonal: Any, name: str | None = "set_diag", k: Any = 0) -> Tensor:
    """``input`` with diagonal ``k`` of each matrix replaced by ``diagonal``."""
    x = convert(input)
    values = convert(diagonal, like=x)
    offset = _one_diagonal(k, "matrix_set_diag")
    return builder(x, values).matrix_set_diag(x, values, k=offset, name=name)


def matrix_band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Tensor:
    """The last two axes with everything outside a band around the diagonal set to 0; -1: no limit.

    >>> visible = tf.matrix_band_part(tf.ones([n, n]), -1, 0)  # the lower triangle
    """
    x = convert(input)
    b = builder(x)
    lower, upper = size_of(b, num_lower), size_of(b, num_upper)
    return b.matrix_band_part(x, lower=lower, upper=upper, name=name)


def matrix_transpose(a: Any, name: str = "matrix_transpose", conjugate: bool = False) -> Tensor:
    """The last two axes of ``a`` swapped; ``conjugate`` changes complex numbers only."""
    x = convert(a)
    n = known_rank(x, "matrix_transpose")
    if n < 2:
        raise ValueError(f"matrix_transpose needs a matrix or a batch of them, got {x.type}")
    b = builder(x)
    order = (*range(n - 2), n - 1, n - 2)
    if conjugate and x.dtype.is_complex:
        x = b.conj(x)
    return b.transpose(x, perm=order, name=name)


def trace(x: Any, name: str | None = None) -> Tensor:
    """The sum of the main diagonal of each matrix: [..., m, n] -> [...]."""
    value = convert(x)
    b = builder(value)
    with b.home.name_scope(name or "Trace") as scope:
        return b.reduce_sum(b.matrix_diag_part(value), axis=(-1,), name=scope)


def eye(
    num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = float32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The identity matrix, or a batch of them: [*batch_shape, num_rows, num_columns]."""
    b = builder(as_tensor(num_rows), as_tensor(num_columns), as_tensor(batch_shape))
    with b.home.name_scope(name or "eye") as scope:
        rows = size_of(b, num_rows)
        columns = rows if num_columns is None else size_of(b, num_columns)
        places = [b.axis_position(shape=(rows, columns), axis=k, dtype=int32) for k in (0, 1)]
        if batch_shape is None:
            return b.cast(b.equal(*places), dtype=as_dtype(dtype), name=scope)
        one = b.cast(b.equal(*places), dtype=as_dtype(dtype))
        batch = sizes_of(b, plain(batch_shape))
        return b.broadcast_to(one, shape=(*batch, rows, columns), name=scope)
