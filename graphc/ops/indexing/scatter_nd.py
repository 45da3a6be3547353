"""Slices put at positions: ``indices[i]`` names an element or a slice of a shape.

The last axis of ``indices`` holds a position in the leading axes.  Every index is checked before
anything is written; slices at one position are taken in order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError, ShapeError
from graphc.ir import dims
from graphc.ir.builder import composite
from graphc.ir.dims import Dim, Shape
from graphc.ir.dtype import int32, int64
from graphc.ir.op import REQUIRED, Kind, NotDifferentiable, Op, Refuses, Sample
from graphc.ir.source import here
from graphc.ir.types import Mismatch, TensorType, same_dim, same_dtype
from graphc.ops.indexing.index import NO_VALUES, check_indices, check_range


class Position(Op):
    """The row-major position in ``shape`` that each row of ``indices`` names."""

    name = "position_of"
    operands = ("indices",)
    attributes = {"shape": REQUIRED}
    kind = Kind.GATHER
    may_fail = True
    vjp = NO_VALUES

    def infer_type(self, indices: TensorType) -> TensorType:
        check_indices(indices=indices)
        if indices.shape is None:
            return TensorType(int64, None)
        depth = len(self.shape)
        if not indices.shape or same_dim(indices.shape[-1], depth, "indices") is None:
            raise Mismatch(f"the last axis of indices must be of size {depth}", indices=indices)
        return TensorType(int64, indices.shape[:-1])

    def reference(self, indices: np.ndarray) -> np.ndarray:
        shape: Any = self.shape
        outside = np.argwhere(np.any((indices < 0) | (indices >= np.array(shape, int)), -1))
        if len(outside):
            at = tuple(outside[0].tolist())
            where = f"[{', '.join(map(str, at))}]" if at else ""
            raise InvalidArgumentError(
                f"indices{where} = {indices[at].tolist()} is outside {dims.format_shape(shape)}"
            )
        if not shape:
            return np.zeros(indices.shape[:-1], np.int64)
        if not indices.size:
            return np.zeros(indices.shape[:-1], np.int64)
        columns = np.moveaxis(indices.astype(np.int64), -1, 0)
        return np.asarray(np.ravel_multi_index(tuple(columns), shape), np.int64)

    def element(self, e: Any, at: tuple[Dim, ...], indices: Any) -> Any:
        place: Dim = 0
        for k, size in enumerate(self.shape):
            place = place * size + e.index(indices(*at, k), size)
        return e.number(place, int64)

    samples = [
        Sample("int32[3, 2]", values={0: [[0, 0], [1, 2], [1, 1]]}, shape=(2, 3)),
        Sample("int64[2, 2, 1]", values={0: [[[3], [0]], [[1], [3]]]}, shape=(4,)),
        Sample("int32[2]", values={0: [1, 1]}, shape=(2, 2)),
        Sample("int32[0, 1]", shape=(3,)),
        Sample("int32[2, 0]", shape=()),
        Refuses("float32[2, 1]", "indices must be int32 or int64, got float32[2, 1]", shape=(3,)),
        Refuses("int32[2, 1]", "the last axis of indices must be of size 2", shape=(3, 3)),
    ]


class ReplaceRows(Op):
    """``x`` with row ``rows[i]`` replaced by ``updates[i]``; the last of equal rows counts."""

    operands = ("x", "rows", "updates")
    kind = Kind.OPAQUE
    may_fail = True

    def infer_type(self, x: TensorType, rows: TensorType, updates: TensorType) -> TensorType:
        check_indices(rows=rows)
        same_dtype(x=x, updates=updates)
        if x.shape is None or rows.shape is None or updates.shape is None:
            return x
        if not x.shape:
            raise Mismatch("x has no rows", x=x)
        wanted = (*rows.shape, *x.shape[1:])
        met = zip(wanted, updates.shape, strict=False)
        if len(wanted) != len(updates.shape) or any(
            same_dim(p, q, f"axis {k}") is None for k, (p, q) in enumerate(met)
        ):
            expected = dims.format_shape(wanted)
            raise Mismatch(f"updates must be of shape {expected}", x=x, updates=updates)
        return x

    def reference(self, x: np.ndarray, rows: np.ndarray, updates: np.ndarray) -> np.ndarray:
        check_range(rows, len(x), "indices")
        out = x.copy()
        for row, update in zip(rows.ravel(), updates.reshape(-1, *x.shape[1:]), strict=True):
            out[row] = update
        return out

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.opaque import lower_replace_rows

        return lower_replace_rows(node)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, rows: Any, updates: Any) -> list:
        """To ``updates`` only where theirs is the row that counted."""
        kept = b.replace_rows(ct, rows, b.zeros_like(updates))
        order = b.axis_position(shape=rows.type.shape, axis=0, dtype=int64)
        if len(rows.type.shape) != 1:
            count = rows.type.elements
            flat = b.axis_position(shape=(count,), axis=0, dtype=int64)
            order = b.reshape(flat, shape=rows.type.shape)
        last = b.unsorted_segment_max(order, rows, num_segments=x.type.shape[0])
        counted = b.equal(b.gather(last, rows, axis=0), order)
        own = b.gather(ct, rows, axis=0)
        while len(counted.type.shape) < len(own.type.shape):
            counted = b.expand_dims(counted, axis=-1)
        return [kept, None, b.where(counted, own, b.zeros_like(own))]

    samples = [
        Sample("float32[4, 2]", "int32[3]", "float32[3, 2]", values={1: [0, 3, 0]}),
        Sample("float64[3]", "int64[2, 1]", "float64[2, 1]", values={1: [[2], [1]]}),
        Sample("float64[3, 2]", "int32[]", "float64[2]", values={1: 1}),
        Sample("int32[3]", "int64[4]", "int32[4]", values={1: [1, 0, 1, 1]}),
        Sample("float32[3, 2]", "int32[0]", "float32[0, 2]"),
        Refuses("float32[3]", "float32[1]", "float32[1]",
                "rows must be int32 or int64, got float32[1]"),
        Refuses("float32[4, 2]", "int32[3]", "float32[2, 2]", "updates must be of shape [3, 2]"),
        Refuses("float32[]", "int32[]", "float32[]", "x has no rows"),
    ]  # fmt: skip


class InvertPermutation(Op):
    """``y[x[i]] = i``; ``x`` holds each of 0 .. n - 1 once."""

    operands = ("x",)
    kind = Kind.OPAQUE
    may_fail = True
    vjp = NotDifferentiable("its value is made of indices")

    def infer_type(self, x: TensorType) -> TensorType:
        check_indices(x=x)
        if x.shape is not None and len(x.shape) != 1:
            raise Mismatch("x must be a vector", x=x)
        return x

    def reference(self, x: np.ndarray) -> np.ndarray:
        check_range(x, len(x), "x")
        values, counts = np.unique(x, return_counts=True)
        if (counts > 1).any():
            raise InvalidArgumentError(f"{values[counts > 1][0]} is in x more than once")
        return np.argsort(x).astype(x.dtype)

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.opaque import lower_invert_permutation

        return lower_invert_permutation(node)

    def dims_value(self, x: Any) -> Any:
        known = isinstance(x, tuple) and sorted(map(str, x)) == sorted(map(str, range(len(x))))
        return tuple(x.index(k) for k in range(len(x))) if known else None

    samples = [
        Sample("int32[4]", values={0: [2, 0, 3, 1]}),
        Sample("int64[1]", values={0: [0]}),
        Sample("int32[0]"),
        Refuses("float32[2]", "x must be int32 or int64, got float32[2]"),
        Refuses("int32[2, 2]", "x must be a vector"),
    ]


@composite
def scatter_nd(b: Any, indices: Any, updates: Any, shape: Shape, name: str | None = None) -> Any:
    """``updates`` added into zeros of ``shape`` at ``indices``."""
    depth = check_updates(indices.type, updates.type, shape)
    place = b.position_of(indices, shape=shape[:depth])
    count = dims.product(shape[:depth])
    if updates.dtype.is_bool:  # of truths the sum is whether there is one
        sums = b.unsorted_segment_max(b.cast(updates, dtype=int32), place, num_segments=count)
        sums = b.greater(sums, b.tensor(0, like=sums))
    else:
        sums = b.unsorted_segments("sum", updates, place, count)
    return b.reshape(sums, shape=shape, name=name)


@composite
def tensor_scatter(
    b: Any, fold: str, x: Any, indices: Any, updates: Any, name: str | None = None
) -> Any:
    """``x`` with ``updates`` at ``indices`` by ``fold``: update, add, sub, max or min."""
    for tensor in (x, indices, updates):
        if tensor.type.shape is None:
            raise ShapeError(
                f"scattering into a tensor needs to know the rank of {tensor.name}",
                hint="say it: x.set_shape([None, 3])",
                site=here(),
            )
    shape = x.type.dims
    depth = check_updates(indices.type, updates.type, shape)
    place = b.position_of(indices, shape=shape[:depth])
    count = dims.product(shape[:depth])
    rows = b.reshape(x, shape=(count, *shape[depth:]))
    if fold == "update":
        rows = b.replace_rows(rows, place, updates)
    elif fold in ("add", "sub"):
        sums = b.unsorted_segments("sum", updates, place, count)
        rows = b.add(rows, sums) if fold == "add" else b.sub(rows, sums)
    else:
        extreme = b.unsorted_segments(fold, updates, place, count)
        both = b.maximum(rows, extreme) if fold == "max" else b.minimum(rows, extreme)
        one = b.broadcast_to(b.tensor(1, dtype=int64), shape=place.type.shape)
        met = b.greater(b.unsorted_segment_sum(one, place, num_segments=count), 0)
        while len(met.type.shape) < len(rows.type.shape):
            met = b.expand_dims(met, axis=-1)
        rows = b.where(met, both, rows)
    return b.reshape(rows, shape=shape, name=name)


def check_updates(indices: TensorType, updates: TensorType, shape: Shape) -> int:
    """How many axes of ``shape`` a position names; ``updates`` is a slice per position."""
    check_indices(indices=indices)
    if indices.shape is None or updates.shape is None:
        raise Mismatch("the ranks must be known", indices=indices, updates=updates)
    depth = indices.shape[-1] if indices.shape else None
    if not isinstance(depth, int) or depth > len(shape):
        raise Mismatch(
            f"the last axis of indices must be a known size, at most {len(shape)}", indices=indices
        )
    wanted = (*indices.shape[:-1], *shape[depth:])
    met = zip(wanted, updates.shape, strict=False)
    if len(wanted) != len(updates.shape) or any(
        same_dim(p, q, f"axis {k}") is None for k, (p, q) in enumerate(met)
    ):
        raise Mismatch(
            f"updates must be of shape {dims.format_shape(wanted)}",
            indices=indices,
            updates=updates,
        )
    return depth
