"""Products of matrices and tensors: ``matmul``, ``tensordot``, ``einsum`` and what they are made
of."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from frontends.tf.graph.tensor import builder, known_rank
from frontends.tf.names.forwards import alike
from graphc.errors import AttributeValueError, DTypeError, ShapeError
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import bfloat16, float32
from graphc.ir.graph import Tensor
from graphc.ir.shape_values import dims_of
from graphc.ir.source import here


def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """``c[..., i, j] = sum_k a[..., i, k] * b[..., k, j]``.

    a: [..., n, k] (or its last two axes swapped, with ``transpose_a``), b: [..., k, m], of one
    dtype, floating, complex or a signed integer -> [..., n, m].  ``adjoint`` is ``transpose`` and,
    of complex numbers, the conjugate.  The axes before the last two count matrices and broadcast.
    float16 and bfloat16 are added up in float32.  ``a_is_sparse`` and ``b_is_sparse`` (many zeros)
    change nothing.  ShapeError where the inner sizes differ or an operand is no matrix; ValueError
    for transposed and adjoint at once.

    >>> logits = tf.matmul(x, w) + bias
    """
    _only_one(transpose_a, adjoint_a, "a")
    _only_one(transpose_b, adjoint_b, "b")
    left, right = alike([a, b])
    build = builder(left, right)
    if adjoint_a and left.dtype.is_complex:
        left = build.conj(left)
    if adjoint_b and right.dtype.is_complex:
        right = build.conj(right)
    return build.matmul(
        left,
        right,
        transpose_a=bool(transpose_a or adjoint_a),
        transpose_b=bool(transpose_b or adjoint_b),
        name=name,
    )


def _only_one(transpose: bool, adjoint: bool, operand: str) -> None:
    if transpose and adjoint:
        raise AttributeValueError(
            f"only one of transpose_{operand} and adjoint_{operand} can be True", site=here()
        )


def sparse_matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """``a @ b`` of two matrices (dense tensors, however many zeros they hold), in float32.

    a, b: float32 or bfloat16 [n, k] and [k, m] -> float32 [n, m].  For ``tf.SparseTensor`` there
    is ``tf.sparse_tensor_dense_matmul``.
    """
    operands = alike([a, b])
    g = builder(*operands)
    for t in operands:
        if t.dtype not in (float32, bfloat16):
            fact = f"operands must be float32 or bfloat16, got {t.type}"
            raise DTypeError(fact, subject="sparse_matmul", site=here())
    left, right = (g.cast(t, dtype=float32) if t.dtype is bfloat16 else t for t in operands)
    return g.matmul(left, right, transpose_a=transpose_a, transpose_b=transpose_b, name=name)


def matvec(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    adjoint_a: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """``c[..., i] = sum_k a[..., i, k] * b[..., k]``: a matrix times a vector.

    a: [..., n, k] ([..., k, n] with ``transpose_a``), b: [..., k] -> [..., n]; the axes before
    those broadcast.
    """
    _only_one(transpose_a, adjoint_a, "a")
    left, right = alike([a, b])
    term = "...ji" if transpose_a or adjoint_a else "...ij"
    return builder(left, right).einsum(
        left, right, equation=f"{term},...j->...i", name=name or "MatVec"
    )


def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Tensor:
    """The product of ``inputs`` by the labels of their axes, summed over labels not in the result.

    ``equation`` is ``"ij,jk->ik"``: a term per input, then the result.  Without ``->`` the result
    is, in alphabetical order, the labels that occur once.  ``...`` stands for further axes, which
    broadcast; a label twice in one term takes the diagonal.  Three and more inputs are multiplied
    two at a time, in the order that needs the fewest multiplications.  ShapeError where a label
    has two sizes, or a term another number of labels than its input has axes.

    >>> scores = tf.einsum("bqd,bkd->bqk", queries, keys)
    """
    name = kwargs.pop("name", None)
    kwargs.pop("optimize", None)
    if kwargs:
        raise TypeError(f"einsum() got an unexpected keyword argument {next(iter(kwargs))!r}")
    if not isinstance(equation, str):
        raise TypeError(f"einsum takes its equation first, got {type(equation).__name__}")
    operands = alike(list(inputs)) if inputs else []
    return builder(*operands).einsum(*operands, equation=equation, name=name)


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """The sum of products over ``axes``: the last n axes of ``a`` with the first n of ``b`` for
    an int n, else lists of axes of each.

    The result has the other axes of ``a``, then those of ``b``.  The ranks must be known, and
    ``axes`` must be while the graph is built.

    >>> tf.tensordot(x, w, axes=[[2], [0]])       # [batch, time, k], [k, m] -> [batch, time, m]
    """
    x, y = alike([a, b])
    rank_x, rank_y = known_rank(x, "tensordot"), known_rank(y, "tensordot")
    over_x, over_y = _contracted(_plain_axes(axes), rank_x, rank_y)
    if rank_x + rank_y - len(over_x) > len(string.ascii_letters):
        raise ShapeError("tensordot takes at most 52 axes", site=here())
    letters = iter(string.ascii_letters)
    left = [next(letters) for _ in range(rank_x)]
    shared = {j: left[k] for k, j in zip(over_x, over_y, strict=True)}
    right = [shared.get(k) or next(letters) for k in range(rank_y)]
    result = [label for label in left + right if (label in left) != (label in right)]
    equation = f"{''.join(left)},{''.join(right)}->{''.join(result)}"
    return builder(x, y).einsum(x, y, equation=equation, name=name or "Tensordot")


def _plain_axes(axes: Any) -> Any:
    """``axes`` as an int or two lists of ints, where a tensor holds them."""
    tensor = as_tensor(axes)
    if tensor is None:
        if isinstance(axes, np.ndarray):
            return axes.tolist()
        if isinstance(axes, list | tuple):
            return [_plain_axes(part) for part in axes]
        return axes
    known = tensor.node.op.value.array if tensor.node.op.name == "const" else dims_of(tensor)
    if known is None:
        raise ShapeError(
            f"axes must be known while the graph is built, got {tensor.name}", site=here()
        )
    return np.asarray(known).tolist()


def _contracted(axes: Any, rank_x: int, rank_y: int) -> tuple[list[int], list[int]]:
    if hasattr(axes, "__index__"):
        count = axes.__index__()
        if not 0 <= count <= min(rank_x, rank_y):
            raise _bad_axes(f"{count} axes of operands of rank {rank_x} and {rank_y}")
        return list(range(rank_x - count, rank_x)), list(range(count))
    if len(axes) != 2:
        raise _bad_axes(f"an int or two lists of axes are needed, got {axes!r}")
    over_x, over_y = (_listed(own, rank) for own, rank in zip(axes, (rank_x, rank_y), strict=True))
    if len(over_x) != len(over_y):
        raise _bad_axes(f"{len(over_x)} axes of a and {len(over_y)} of b")
    return over_x, over_y


def _listed(axes: Any, rank: int) -> list[int]:
    listed: Sequence[int] = [axes] if hasattr(axes, "__index__") else axes
    if any(not -rank <= k < rank for k in listed):
        raise _bad_axes(f"axes {list(listed)} of an operand of rank {rank}")
    positive = [k % rank for k in listed]
    if len(set(positive)) < len(positive):
        raise _bad_axes(f"axes {list(listed)} name one axis twice")
    return positive


def _bad_axes(fact: str) -> ShapeError:
    return ShapeError(fact, subject="tensordot", site=here())
