"""Indices read from memory, and tensors of indices: gather and its gradient, one-hot, ranges.

An index outside its axis is an error of the run that names the index, its position and the bound.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError, OutOfRangeError
from graphc.ir import dims
from graphc.ir.builder import as_tensor, composite
from graphc.ir.dims import Dim, Expr
from graphc.ir.dtype import DType, bfloat16, bool_, float32, int8, int32, int64, uint8
from graphc.ir.op import REQUIRED, Kind, NotDifferentiable, Op, Refuses, Sample
from graphc.ir.rows import Rows
from graphc.ir.shape_values import dims_of
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, same_dim
from graphc.ops.shaping.shape import resolve_axis

INDICES = (int32, int64)
NO_VALUES = NotDifferentiable("its value is made of indices")


def check_indices(**operands: TensorType) -> None:
    """Refuse operands that are not tensors of indices."""
    for name, type in operands.items():
        if type.dtype not in INDICES:
            raise DTypeMismatch(f"{name} must be int32 or int64, got {type}")


def check_range(indices: np.ndarray, bound: int, name: str) -> None:
    """Raise for the first index outside ``[0, bound)``, naming it and where it stands."""
    outside = np.argwhere((indices < 0) | (indices >= bound))
    if len(outside):
        at = tuple(outside[0].tolist())
        where = f"[{', '.join(map(str, at))}]" if at else ""
        raise InvalidArgumentError(f"{name}{where} = {indices[at]} is not in [0, {bound})")


class Gather(Op):
    """The slices of ``x`` along ``axis`` that ``indices`` names, in the shape of ``indices``."""

    operands = ("x", "indices")
    attributes = {"axis": 0}
    kind = Kind.GATHER
    may_fail = True

    def infer_type(self, x: TensorType, indices: TensorType) -> TensorType:
        check_indices(indices=indices)
        if x.shape is None or indices.shape is None:
            return x.with_shape(None)
        axis = resolve_axis(self.axis, len(x.shape), x=x)
        return x.with_shape((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))

    def reference(self, x: np.ndarray, indices: np.ndarray) -> np.ndarray:
        check_range(indices, x.shape[self.axis], "indices")
        return np.take(x, indices, self.axis)

    def element(self, e: Any, at: tuple[Dim, ...], x: Any, indices: Any) -> Any:
        shape = x.type.shape
        axis = self.axis % len(shape)
        rank = len(indices.type.shape)
        index = e.index(indices(*at[axis : axis + rank]), shape[axis])
        return x(*at[:axis], index, *at[axis + rank :])

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, indices: Any) -> list:
        dtype = ct.dtype
        if dtype.computed is dtype:
            return [self._row_sums(b, ct, x.type.shape, indices), None]
        wide = b.cast(ct, dtype=dtype.computed)
        return [b.cast(self._row_sums(b, wide, x.type.shape, indices), dtype=dtype), None]

    def row_vjp(self, b: Any, ct: Any, y: Any, x: Any, indices: Any) -> Any:
        """The rows of ``x`` that were gathered; None where that is not along the first axis."""
        shape = x.type.shape
        if shape is None or indices.type.shape is None or self.axis % len(shape):
            return None
        if len(indices.type.shape) != 1:
            ct = b.reshape(ct, shape=(indices.type.elements, *shape[1:]))
            indices = b.reshape(indices, shape=(indices.type.elements,))
        return Rows(ct, indices, x)

    def _row_sums(self, b: Any, ct: Any, shape: tuple[Dim, ...], indices: Any) -> Any:
        """``ct`` added into zeros of ``shape`` at the rows it was gathered from."""
        rank = len(indices.type.shape)
        axis = self.axis % len(shape)
        if axis == 0:
            return b.unsorted_segment_sum(ct, indices, num_segments=shape[0])
        before = tuple(range(axis))
        middle = tuple(range(axis, axis + rank))
        after = tuple(range(axis + rank, rank + len(shape) - 1))
        rows = b.transpose(ct, perm=middle + before + after)
        sums = b.unsorted_segment_sum(rows, indices, num_segments=shape[axis])
        back = (*(k + 1 for k in before), 0, *range(axis + 1, len(shape)))
        return b.transpose(sums, perm=back)

    def dims_value(self, x: Any, indices: Any) -> Any:
        wanted = indices if isinstance(indices, tuple) else (indices,)
        inside = isinstance(x, tuple) and all(
            isinstance(i, int) and 0 <= i < len(x) for i in wanted
        )
        if not inside:
            return None
        return tuple(x[i] for i in wanted) if isinstance(indices, tuple) else x[indices]

    samples = [
        Sample("float32[5, 3]", "int32[4]", values={1: [0, 4, 2, 2]}),
        Sample("float64[3, 4]", "int64[2, 2]", values={1: [[0, 3], [1, 1]]}, axis=1),
        Sample("float64[2, 3, 4]", "int32[]", values={1: 1}, axis=-1),
        Sample("int32[5]", "int32[0]"),
        Sample("float16[3]", "int32[2]", values={1: [2, 0]}),
        Refuses("float32[3]", "float32[2]", "indices must be int32 or int64, got float32[2]"),
        Refuses("float32[3]", "int32[2]", "axis 1 is outside a tensor of rank 1", axis=1),
    ]


class BatchGather(Op):
    """:class:`Gather` for each place of the first ``batch_dims`` axes, which both operands have."""

    operands = ("x", "indices")
    attributes = {"axis": REQUIRED, "batch_dims": REQUIRED}
    kind = Kind.GATHER
    may_fail = True

    def infer_type(self, x: TensorType, indices: TensorType) -> TensorType:
        check_indices(indices=indices)
        if x.shape is None or indices.shape is None:
            return x.with_shape(None)
        axis, batch = resolve_axis(self.axis, len(x.shape), x=x), self.batch_dims
        if not 0 <= batch <= min(axis, len(indices.shape)):
            raise Mismatch(f"batch_dims {batch} is past axis {axis}", x=x, indices=indices)
        for k in range(batch):
            if same_dim(x.shape[k], indices.shape[k], f"batch axis {k}") is None:
                raise Mismatch(f"batch axis {k} differs", x=x, indices=indices)
        inner = indices.shape[batch:]
        return x.with_shape((*x.shape[:axis], *inner, *x.shape[axis + 1 :]))

    def reference(self, x: np.ndarray, indices: np.ndarray) -> np.ndarray:
        axis, batch = self.axis % x.ndim, self.batch_dims
        check_range(indices, x.shape[axis], "indices")
        lead = x.shape[:batch]
        shape = (*x.shape[:axis], *indices.shape[batch:], *x.shape[axis + 1 :])
        out = np.empty(shape, x.dtype)
        for at in np.ndindex(*lead):
            out[at] = np.take(x[at], indices[at], axis - batch)
        return out

    def element(self, e: Any, at: tuple[Dim, ...], x: Any, indices: Any) -> Any:
        shape = x.type.shape
        axis, batch = self.axis % len(shape), self.batch_dims
        after = axis + len(indices.type.shape) - batch
        index = e.index(indices(*at[:batch], *at[axis:after]), shape[axis])
        return x(*at[:axis], index, *at[after:])

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, indices: Any) -> list:
        """As of :class:`Gather` in one table of all batches."""
        shape = x.type.shape
        axis, batch = self.axis % len(shape), self.batch_dims
        n, rank = shape[axis], len(indices.type.shape) - batch
        count = dims.product(shape[:batch])
        wide = ct if ct.dtype.computed is ct.dtype else b.cast(ct, dtype=ct.dtype.computed)
        places = range(axis, axis + rank)
        between, after = range(batch, axis), range(axis + rank, rank + len(shape) - 1)
        rows = b.transpose(wide, perm=(*range(batch), *places, *between, *after))
        first = b.axis_position(shape=(count,), axis=0, dtype=indices.dtype)
        first = b.mul(first, b.dim_value(dim=n, dtype=indices.dtype))
        ones = (1,) * rank
        index = b.add(indices, b.reshape(first, shape=(*shape[:batch], *ones)))
        sums = b.unsorted_segment_sum(rows, index, num_segments=count * n)
        sums = b.reshape(sums, shape=(*shape[:batch], n, *shape[batch:axis], *shape[axis + 1 :]))
        back = (*range(batch), *range(batch + 1, axis + 1), batch, *range(axis + 1, len(shape)))
        total = b.transpose(sums, perm=back)
        return [total if total.dtype is ct.dtype else b.cast(total, dtype=ct.dtype), None]

    samples = [
        Sample("float32[2, 3]", "int32[2, 2]", values={1: [[0, 2], [1, 1]]}, axis=1, batch_dims=1),
        Sample("float64[2, 2, 3]", "int64[2, 2]", values={1: [[0, 2], [1, 1]]}, axis=-1,
               batch_dims=1),
        Sample("float64[2, 2, 3, 2]", "int32[2, 2, 1]", values={1: [[[0], [2]], [[1], [1]]]},
               axis=2, batch_dims=2),
        Sample("float32[2, 3]", "int32[2]", values={1: [2, 0]}, axis=1, batch_dims=1),
        Sample("float16[2, 3]", "int32[2]", values={1: [2, 0]}, axis=1, batch_dims=1),
        Sample("int32[0, 3]", "int32[0, 2]", axis=1, batch_dims=1),
        Refuses("float32[2, 3]", "float32[2]", "indices must be int32 or int64, got float32[2]",
                axis=1, batch_dims=1),
        Refuses("float32[2, 3]", "int32[3, 2]", "batch axis 0 differs", axis=1, batch_dims=1),
        Refuses("float32[2, 3]", "int32[2, 2]", "batch_dims 1 is past axis 0", axis=0,
                batch_dims=1),
    ]  # fmt: skip


class GatherNd(Op):
    """``y[i] = x[indices[i, 0], indices[i, 1], ...]``: a row of ``indices`` is a position."""

    operands = ("x", "indices")
    kind = Kind.GATHER
    may_fail = True

    def infer_type(self, x: TensorType, indices: TensorType) -> TensorType:
        check_indices(indices=indices)
        if x.shape is None or indices.shape is None:
            return x.with_shape(None)
        depth = indices.shape[-1] if indices.shape else None
        if not isinstance(depth, int) or depth > len(x.shape):
            raise Mismatch(
                f"the last axis of indices must be a known size from 0 to {len(x.shape)}",
                x=x,
                indices=indices,
            )
        return x.with_shape((*indices.shape[:-1], *x.shape[depth:]))

    def reference(self, x: np.ndarray, indices: np.ndarray) -> np.ndarray:
        if indices.shape[-1] == 0:
            return np.broadcast_to(x, (*indices.shape[:-1], *x.shape)).copy()
        for k in range(indices.shape[-1]):
            check_range(indices[..., k], x.shape[k], f"indices[..., {k}]")
        return x[tuple(np.moveaxis(indices, -1, 0))]

    def element(self, e: Any, at: tuple[Dim, ...], x: Any, indices: Any) -> Any:
        rank = len(indices.type.shape) - 1
        depth = indices.type.shape[-1]
        read = (e.index(indices(*at[:rank], k), x.type.shape[k]) for k in range(depth))
        return x(*read, *at[rank:])

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, indices: Any) -> list:
        return [b.scatter_nd(indices, ct, x.type.shape), None]

    samples = [
        Sample("float32[3, 4]", "int32[2, 2]", values={1: [[0, 3], [2, 1]]}),
        Sample("float64[3, 4]", "int64[2, 1]", values={1: [[1], [1]]}),
        Sample("float32[2, 2, 2]", "int32[2]", values={1: [1, 0]}),
        Sample("float32[2, 2]", "int32[3, 0]"),
        Sample("float16[3]", "int32[2, 1]", values={1: [[2], [2]]}),
        Refuses("float32[3]", "int32[2, 2]",
                "the last axis of indices must be a known size from 0 to 1"),
    ]  # fmt: skip


class CheckRange(Op):
    """``y = indices``; the run fails if one is outside ``[0, bound)``."""

    operands = ("indices",)
    attributes = {"bound": REQUIRED, "what": "indices"}
    kind = Kind.GATHER
    may_fail = True
    vjp = NO_VALUES

    def infer_type(self, indices: TensorType) -> TensorType:
        check_indices(indices=indices)
        return indices

    def reference(self, indices: np.ndarray) -> np.ndarray:
        check_range(indices, self.bound, self.what)
        return indices

    def element(self, e: Any, at: tuple[Dim, ...], indices: Any) -> Any:
        return e.number(e.index(indices(*at), self.bound), indices.type.dtype)

    samples = [
        Sample("int32[3]", values={0: [0, 4, 2]}, bound=5),
        Sample("int64[0]", bound=0),
        Refuses("float32[3]", "indices must be int32 or int64, got float32[3]", bound=5),
    ]


class CheckBelow(Op):
    """``y = x``; the run fails with OutOfRangeError if an element has reached ``limit``."""

    operands = ("x",)
    attributes = {"limit": REQUIRED}
    kind = Kind.GATHER
    may_fail = True
    vjp = NO_VALUES

    def infer_type(self, x: TensorType) -> TensorType:
        check_indices(x=x)
        return x

    def reference(self, x: np.ndarray) -> np.ndarray:
        if (x >= self.limit).any():
            raise OutOfRangeError(f"reached limit of {self.limit}")
        return x

    def element(self, e: Any, at: tuple[Dim, ...], x: Any) -> Any:
        value = x(*at)
        wide = e.let(f"to_int64({value})", int64, value)
        last = e.literal(self.limit - 1, "int64")
        e.index(e.let(f"sub({last}, {wide})", int64, last, wide), 1 << 62)
        return value

    samples = [
        Sample("int32[3]", values={0: [0, -4, 2]}, limit=3),
        Sample("int64[]", values={0: 6}, limit=7),
        Refuses("float32[]", "x must be int32 or int64, got float32[]", limit=3),
    ]


class OneHot(Op):
    """``on_value`` at each index along a new axis of ``depth``, ``off_value`` elsewhere.

    An index outside ``[0, depth)`` gives a row of ``off_value``.
    """

    operands = ("indices",)
    attributes = {
        "depth": REQUIRED, "on_value": 1, "off_value": 0, "axis": -1, "dtype": float32,
    }  # fmt: skip
    kind = Kind.INJECTIVE
    vjp = NO_VALUES

    def infer_type(self, indices: TensorType) -> TensorType:
        if indices.dtype not in (*INDICES, int8, uint8):
            raise DTypeMismatch(f"indices must be an int of 8, 32 or 64 bits, got {indices}")
        if indices.shape is None:
            return TensorType(self.dtype, None)
        axis = resolve_axis(self.axis, len(indices.shape) + 1)
        return TensorType(self.dtype, (*indices.shape[:axis], self.depth, *indices.shape[axis:]))

    def reference(self, indices: np.ndarray) -> np.ndarray:
        hit = np.expand_dims(indices, -1) == np.arange(self.depth)
        on, off = (np.asarray(v, self.dtype.numpy) for v in (self.on_value, self.off_value))
        return np.moveaxis(np.where(hit, on, off), -1, self.axis)

    def element(self, e: Any, at: tuple[Dim, ...], indices: Any) -> Any:
        axis = self.axis % len(at)
        index = indices(*at[:axis], *at[axis + 1 :])
        if indices.type.dtype is not int64:
            index = e.let(f"to_int64({index})", int64, index)
        place = e.position(at[axis])
        hit = e.let(f"eq({index}, {place})", bool_, index, place)
        on, off = e.literal(self.on_value, self.dtype), e.literal(self.off_value, self.dtype)
        return e.let(f"where({hit}, {on}, {off})", self.dtype, hit)

    samples = [
        Sample("int32[4]", values={0: [0, 2, -1, 3]}, depth=3),
        Sample("int64[2, 2]", values={0: [[0, 1], [2, 0]]}, depth=3, axis=0, dtype=int32),
        Sample("int32[]", values={0: 1}, depth=2, on_value=5.0, off_value=-1.0),
        Sample("uint8[3]", low=0, high=3, depth=3, on_value=True, off_value=False, dtype=bool_),
        Sample("int32[0]", depth=3),
        Refuses(
            "float32[2]", "indices must be an int of 8, 32 or 64 bits, got float32[2]", depth=3
        ),
    ]


class LabelMask(Op):
    """True at each row's label along a new last axis; one outside ``[0, depth)`` is an error."""

    operands = ("labels",)
    attributes = {"depth": REQUIRED}
    kind = Kind.GATHER
    may_fail = True
    vjp = NO_VALUES

    def infer_type(self, labels: TensorType) -> TensorType:
        check_indices(labels=labels)
        return TensorType(bool_, None if labels.shape is None else (*labels.shape, self.depth))

    def reference(self, labels: np.ndarray) -> np.ndarray:
        check_range(labels, self.depth, "labels")
        return np.expand_dims(labels, -1) == np.arange(self.depth)

    def element(self, e: Any, at: tuple[Dim, ...], labels: Any) -> Any:
        label = e.position(e.index(labels(*at[:-1]), self.depth))
        place = e.position(at[-1])
        return e.let(f"eq({label}, {place})", bool_, label, place)

    samples = [
        Sample("int32[3]", values={0: [2, 0, 1]}, depth=3),
        Sample("int64[2, 1]", values={0: [[1], [0]]}, depth=2),
        Sample("int32[]", values={0: 0}, depth=1),
        Sample("int32[0]", depth=2),
        Refuses("float32[2]", "labels must be int32 or int64, got float32[2]", depth=3),
    ]


class Range(Op):
    """``start, start + delta, ...`` up to but not including ``limit``."""

    operands = ()
    attributes = {"start": 0, "limit": REQUIRED, "delta": 1, "dtype": int32}
    kind = Kind.INJECTIVE
    vjp = NotDifferentiable("it has no operands")

    def infer_type(self) -> TensorType:
        if self.delta == 0:
            raise Mismatch("delta cannot be 0")
        known = (self.start, self.limit, self.delta)
        numbers = all(isinstance(v, int | float) for v in known)
        if numbers and self.delta * (self.limit - self.start) < 0:
            raise Mismatch(f"steps of {self.delta} do not lead from {self.start} to {self.limit}")
        return TensorType(self.dtype, (self.length(),))

    def length(self) -> Dim:
        if any(isinstance(v, float) for v in (self.start, self.limit, self.delta)):
            return max(0, math.ceil((self.limit - self.start) / self.delta))
        if isinstance(self.delta, int) and self.delta < 0:
            count = dims.ceildiv(self.start - self.limit, -self.delta)
        else:
            count = dims.ceildiv(self.limit - self.start, self.delta)
        return count if dims.lower_bound(count) >= 0 else dims.maximum(count, 0)

    def reference(self) -> np.ndarray:
        dtype = np.dtype(np.float32) if self.dtype is bfloat16 else self.dtype.numpy
        length: Any = self.length()
        places = np.arange(length).astype(dtype)
        return np.asarray(np.asarray(self.start, dtype) + places * np.asarray(self.delta, dtype))

    def element(self, e: Any, at: tuple[Dim, ...]) -> Any:
        if self.dtype.is_integer:
            return e.number(self.start + self.delta * at[0], self.dtype)
        place = e.number(at[0], self.dtype)
        start, delta = (self._number(e, v) for v in (self.start, self.delta))
        return e.let(f"{start} + {place} * {delta}", self.dtype, start, place, delta)

    def _number(self, e: Any, value: Dim | float) -> Any:
        if isinstance(value, float):
            return e.literal(value, self.dtype)
        return e.number(value, self.dtype)

    def dims_value(self) -> Any:
        length = self.length()
        if not self.dtype.is_integer or not isinstance(length, int) or length > 64:
            return None
        return tuple(self.start + self.delta * k for k in range(length))

    samples = [
        Sample(limit=5),
        Sample(start=2, limit=-3, delta=-2, dtype=int64),
        Sample(start=0.5, limit=2.0, delta=0.25, dtype=float32),
        Sample(start=3, limit=3),
        Refuses("delta cannot be 0", limit=3, delta=0),
        Refuses("steps of -1 do not lead from 2 to 9", start=2, limit=9, delta=-1),
    ]


class AxisPosition(Op):
    """``y``: the position of each element along ``axis``."""

    operands = ()
    attributes = {"shape": REQUIRED, "axis": REQUIRED, "dtype": int64}
    kind = Kind.INJECTIVE
    vjp = NotDifferentiable("it has no operands")

    def infer_type(self) -> TensorType:
        return TensorType(self.dtype, tuple(self.shape))

    def reference(self) -> np.ndarray:
        return np.indices(self.shape)[self.axis].astype(self.dtype.numpy)

    def element(self, e: Any, at: tuple[Dim, ...]) -> Any:
        return e.number(at[self.axis], self.dtype)

    def dims_value(self) -> Any:
        return None

    samples = [
        Sample(shape=(2, 3), axis=1),
        Sample(shape=(2, 3, 1), axis=0, dtype=int32),
        Sample(shape=(0, 3), axis=1),
    ]


class Where1(Op):
    """The positions of the true elements of ``condition``, one row each, in row-major order.

    ``count`` is the data-dependent size the run binds to the number of rows.
    """

    name = "true_positions"
    operands = ("condition",)
    attributes = {"count": REQUIRED}
    binding = "count"
    kind = Kind.HOST
    vjp = NO_VALUES

    def infer_type(self, condition: TensorType) -> TensorType:
        if not condition.dtype.is_bool:
            raise DTypeMismatch(f"condition must be bool, got {condition}")
        if condition.shape is None:
            return TensorType(int64, None)
        return TensorType(int64, (self.count, len(condition.shape)))

    def reference(self, condition: np.ndarray) -> np.ndarray:
        return np.argwhere(condition).astype(np.int64)

    def host(self, condition: np.ndarray) -> tuple:
        return (self.reference(condition),)

    def binds(self, y: np.ndarray) -> dict[str, int]:
        """The data-dependent sizes its output determines."""
        return {str(self.count): len(y)}

    samples = [
        Sample("bool[4]", values={0: [True, False, True, True]}, count=3),
        Sample("bool[2, 2]", values={0: [[False, True], [True, False]]}, count=2),
        Sample("bool[0]", count=0),
        Refuses("float32[3]", "condition must be bool, got float32[3]", count=1),
    ]


@composite
def where_true(b: Any, condition: Any, name: str | None = None) -> Any:
    """``true_positions`` with a fresh data-dependent count."""
    return b.true_positions(condition, count=b.home.new_dim("count", data=True), name=name)


@composite
def boolean_mask(b: Any, x: Any, mask: Any, axis: int = 0, name: str | None = None) -> Any:
    """The slices of ``x`` along the axes of ``mask`` (from ``axis`` on) where it is true."""
    mask = b.tensor(mask)
    shape, rank = x.type.shape, mask.type.rank
    if shape is None or not rank:
        raise Mismatch("boolean_mask needs a tensor of known rank and a mask with an axis")
    axis = resolve_axis(axis, len(shape), x=x.type)
    meets = zip(shape[axis : axis + rank], mask.type.shape, strict=False)
    if len(shape) - axis < rank or any(same_dim(d, m, "mask") is None for d, m in meets):
        raise Mismatch("the shape of x must contain that of mask", x=x.type, mask=mask.type)
    if rank > 1:
        joined = dims.product(shape[axis : axis + rank])
        x = b.reshape(x, shape=(*shape[:axis], joined, *shape[axis + rank :]))
        mask = b.reshape(mask, shape=(-1,))
    kept = b.squeeze(b.where_true(mask), axis=(1,))
    return b.gather(x, kept, axis=axis, name=name)


@composite
def arange(
    b: Any, start: Any, limit: Any = None, delta: Any = 1, dtype: DType | None = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """``range`` with numbers, sizes or scalar tensors; with one argument it starts at 0."""
    if limit is None:
        start, limit = 0, start
    given = [start, limit, delta]
    tensors = [as_tensor(v) for v in given]
    if dtype is None:
        dtype = next((t.dtype for t in tensors if t is not None), None)
    if dtype is None:
        dtype = float32 if any(isinstance(v, float) for v in given) else int32
    known = [v if t is None else dims_of(t) for v, t in zip(given, tensors, strict=True)]
    if all(isinstance(v, int | float | Expr) for v in known) and isinstance(known[2], int | float):
        return b.apply(Range, (), {**dict(zip(("start", "limit", "delta"), known, strict=True)),
                                   "dtype": dtype, "name": name})  # fmt: skip
    first, last, step = (
        b.stop_gradient(b.cast(b.tensor(v, dtype=dtype), dtype=dtype)) for v in given
    )
    whole = b.neg(b.floordiv(b.sub(first, last), step))
    count = b.dim_argument(b.maximum(b.cast(whole, dtype=int64), 0))
    return b.add(first, b.mul(b.apply(Range, (), {"limit": count, "dtype": dtype}), step))
