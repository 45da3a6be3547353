"""Folding the rows of segments: ``y[s]`` is the fold of the ``data[i]`` whose id is ``s``.

Rows are folded in order, whatever runs in parallel.  Sums and products of half precision
accumulate in float32 (:func:`unsorted_segments`).
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from graphc.errors import InvalidArgumentError, ShapeError
from graphc.ir.builder import composite
from graphc.ir.dims import Dim
from graphc.ir.dtype import FLOATING, REAL, bool_, complex64, complex128, int64
from graphc.ir.op import REQUIRED, Kind, NotDifferentiable, Op, Refuses, Sample
from graphc.ir.shape_values import dims_of
from graphc.ir.source import here
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, same_dim
from graphc.ops.indexing.index import check_indices, check_range


class UnsortedSegment(Op, abstract=True):
    """A fold of the rows of each segment; negative ids are dropped, one too large is an error.

    ``segment_ids`` has the leading axes of ``data``.
    """

    operands = ("data", "segment_ids")
    attributes = {"num_segments": REQUIRED}
    kind = Kind.OPAQUE
    may_fail = True
    dtypes = REAL
    word: ClassVar[str]
    fold: ClassVar[np.ufunc]

    def initial(self, dtype: Any) -> Any:
        """The value of a segment without rows."""
        raise NotImplementedError

    def infer_type(self, data: TensorType, segment_ids: TensorType) -> TensorType:
        check_indices(segment_ids=segment_ids)
        if data.dtype not in self.dtypes:
            raise DTypeMismatch(f"data must be numeric, got {data}")
        if data.shape is None or segment_ids.shape is None:
            return data.with_shape(None)
        rank = len(segment_ids.shape)
        leading = data.shape[:rank]
        meet = zip(segment_ids.shape, leading, strict=False)
        if len(leading) < rank or any(
            same_dim(s, d, f"axis {k}") is None for k, (s, d) in enumerate(meet)
        ):
            raise Mismatch(
                "the shape of data must start with that of segment_ids",
                data=data,
                segment_ids=segment_ids,
            )
        return data.with_shape((self.num_segments, *data.shape[rank:]))

    def reference(self, data: np.ndarray, segment_ids: np.ndarray) -> np.ndarray:
        kept = segment_ids >= 0
        if kept.any():
            check_range(np.where(kept, segment_ids, 0), self.num_segments, "segment_ids")
        wide = np.dtype(np.float32) if data.dtype == np.float16 else data.dtype
        shape = (self.num_segments, *data.shape[segment_ids.ndim :])
        out = np.full(shape, self.initial(data.dtype), wide)
        self.fold.at(out, segment_ids[kept], data[kept].astype(wide))
        return out.astype(data.dtype)

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.opaque import lower_segment

        return lower_segment(node, self.word, self.initial(node.outputs[0].dtype.numpy))

    def rows_of(self, b: Any, values: Any, segment_ids: Any) -> Any:
        """Each row's segment of ``values``; zeros for rows that were dropped."""
        return b.rows_or_zeros(values, segment_ids)


REFUSALS: list[Sample | Refuses] = [
    Refuses("float32[3]", "float32[3]", "segment_ids must be int32 or int64, got float32[3]",
            num_segments=2),
    Refuses("float32[3]", "int32[4]", "the shape of data must start with that of segment_ids",
            num_segments=2),
    Refuses("bool[3]", "int32[3]", "data must be numeric, got bool[3]", num_segments=2),
]  # fmt: skip
SEGMENTS: list[Sample | Refuses] = [
    Sample("float32[4, 2]", "int32[4]", values={1: [0, 2, 0, -1]}, num_segments=3),
    Sample("float64[2, 2, 3]", "int64[2, 2]", values={1: [[0, 1], [1, 1]]}, num_segments=2),
    Sample("int32[3]", "int32[3]", values={1: [1, 1, 1]}, num_segments=2),
    Sample("float32[0, 2]", "int32[0]", num_segments=2),
    Sample("float64[2]", "int32[]", values={1: 1}, num_segments=3),
    Sample("float32[3]", "int32[3]", values={0: [np.nan, 1, -np.inf], 1: [1, 0, 0]},
           gradient=False, num_segments=2),
    *REFUSALS,
]  # fmt: skip


class UnsortedSegmentSum(UnsortedSegment):
    """``y[s] = sum of data[i] where segment_ids[i] == s``, in order; negative ids are dropped.

    ``segment_ids`` has the leading axes of ``data``.
    """

    dtypes = (*REAL, complex64, complex128)
    word = "add"
    fold = np.add

    def initial(self, dtype: Any) -> Any:
        return 0

    def vjp(self, b: Any, ct: Any, y: Any, data: Any, segment_ids: Any) -> list:
        return [self.rows_of(b, ct, segment_ids), None]

    samples = [
        *SEGMENTS,
        Sample("complex64[3, 2]", "int32[3]", values={1: [1, 1, 0]}, num_segments=2),
    ]


class UnsortedSegmentProd(UnsortedSegment):
    """``y[s] = product of data[i] where segment_ids[i] == s``; 1 for a segment without rows.

    The gradient is exact with zeros among the factors; so are second derivatives, unless one
    product has two or more of them.
    """

    word = "mul"
    fold = np.multiply

    def initial(self, dtype: Any) -> Any:
        return 1

    def vjp(self, b: Any, ct: Any, y: Any, data: Any, segment_ids: Any) -> list:
        how = {"num_segments": self.num_segments}
        zero, one = b.tensor(0, like=data), b.tensor(1, like=data)
        is_zero = b.equal(data, zero)
        safe = b.where(is_zero, one, data)
        zeros = b.unsorted_segment_sum(b.cast(is_zero, dtype=data.dtype), segment_ids, **how)
        others = b.unsorted_segment_prod(safe, segment_ids, **how)
        at_zero = b.mul(ct, b.where(b.greater(zeros, one), zero, others))
        elsewhere = b.realdiv(self.rows_of(b, b.mul(ct, y), segment_ids), safe)
        return [b.where(is_zero, self.rows_of(b, at_zero, segment_ids), elsewhere), None]

    samples = [
        *SEGMENTS,
        Sample("float64[5]", "int32[5]", values={0: [0, 2, 3, 0, -1], 1: [0, 0, 1, 1, 1]},
               num_segments=3),
    ]  # fmt: skip


class _UnsortedExtreme(UnsortedSegment, abstract=True):
    """The largest or smallest; equal ones share the gradient."""

    def vjp(self, b: Any, ct: Any, y: Any, data: Any, segment_ids: Any) -> list:
        chosen = b.cast(b.equal(data, self.rows_of(b, y, segment_ids)), dtype=data.dtype)
        count = b.unsorted_segment_sum(chosen, segment_ids, num_segments=self.num_segments)
        share = b.realdiv(ct, b.maximum(count, b.tensor(1, like=count)))
        return [b.mul(chosen, self.rows_of(b, share, segment_ids)), None]

    samples: ClassVar[list[Sample | Refuses]] = [
        *SEGMENTS,
        Sample("float64[4, 1]", "int64[4]", values={0: [1, 3, 3, 2], 1: [0, 1, 1, 0]},
               gradient=False, num_segments=2),
        Sample("uint8[3]", "int32[3]", low=0, high=9, values={1: [2, 0, 2]}, num_segments=3),
        Sample("float16[3]", "int32[3]", values={1: [2, 0, 2]}, num_segments=3),
    ]  # fmt: skip


class UnsortedSegmentMax(_UnsortedExtreme):
    """``y[s] = the largest data[i] where segment_ids[i] == s``; the lowest number over none."""

    word = "maximum"
    fold = np.maximum

    def initial(self, dtype: Any) -> Any:
        return np.finfo(dtype).min if dtype.kind == "f" else np.iinfo(dtype).min


class UnsortedSegmentMin(_UnsortedExtreme):
    """``y[s] = the smallest data[i] where segment_ids[i] == s``; the highest number over none."""

    word = "minimum"
    fold = np.minimum

    def initial(self, dtype: Any) -> Any:
        return np.finfo(dtype).max if dtype.kind == "f" else np.iinfo(dtype).max


class CheckSorted(Op):
    """``y = segment_ids``, a vector; the run fails unless they begin at 0 or above and ascend."""

    operands = ("segment_ids",)
    kind = Kind.INJECTIVE
    may_fail = True
    vjp = NotDifferentiable("its value is made of indices")

    def infer_type(self, segment_ids: TensorType) -> TensorType:
        check_indices(segment_ids=segment_ids)
        if segment_ids.shape is not None and len(segment_ids.shape) != 1:
            raise Mismatch("segment_ids must be a vector", segment_ids=segment_ids)
        return segment_ids

    def reference(self, segment_ids: np.ndarray) -> np.ndarray:
        before = np.concatenate([np.zeros(1, segment_ids.dtype), segment_ids[:-1]])
        falling = np.flatnonzero(segment_ids < before[: len(segment_ids)])
        if len(falling):
            at = int(falling[0])
            low = f"segment_ids[{at - 1}] = {segment_ids[at - 1]}" if at else "0"
            raise InvalidArgumentError(
                f"segment_ids[{at}] = {segment_ids[at]} is below {low}: they must ascend from 0",
                hint="tf.unsorted_segment_sum takes ids in any order",
            )
        return segment_ids

    def element(self, e: Any, at: tuple[Dim, ...], segment_ids: Any) -> Any:
        (i,) = at
        own = segment_ids(i)
        dtype = segment_ids.type.dtype
        none = e.literal(0, dtype)
        place, origin = e.position(i), e.literal(0, int64)
        first = e.let(f"eq({place}, {origin})", bool_, place)
        size = segment_ids.type.shape[0]
        one = e.literal(1, int64)
        earlier = e.let(f"sub({place}, {one})", int64, place)
        before = segment_ids(e.clamp(earlier, size))
        low = e.let(f"where({first}, {none}, {before})", dtype, first, before)
        e.check(e.let(f"lt({own}, {low})", bool_, own, low))
        return own

    samples = [
        Sample("int32[4]", values={0: [0, 0, 1, 3]}),
        Sample("int64[3]", values={0: [2, 2, 2]}),
        Sample("int32[0]"),
        Refuses("float32[2]", "segment_ids must be int32 or int64, got float32[2]"),
        Refuses("int32[2, 2]", "segment_ids must be a vector"),
    ]


@composite
def unsorted_segments(
    b: Any, fold: str, data: Any, segment_ids: Any, num_segments: Dim, name: str | None = None
) -> Any:
    """``fold`` of the rows of each of ``num_segments``: sum, prod, max, min, mean or sqrt_n.

    The mean of integers is floating; ``whole_mean`` keeps their dtype.
    """
    if fold in ("mean", "sqrt_n", "whole_mean"):
        return _averaged(b, fold, data, segment_ids, num_segments, name)
    op = getattr(b, f"unsorted_segment_{fold}")
    if data.dtype.computed is data.dtype or fold in ("max", "min"):
        return op(data, segment_ids, num_segments=num_segments, name=name)
    wide = op(b.cast(data, dtype=data.dtype.computed), segment_ids, num_segments=num_segments)
    return b.cast(wide, dtype=data.dtype, name=name)


def _averaged(
    b: Any, fold: str, data: Any, segment_ids: Any, num_segments: Dim, name: str | None
) -> Any:
    if data.dtype not in (FLOATING if fold == "sqrt_n" else REAL):
        kind = "floating" if fold == "sqrt_n" else "numeric"
        raise DTypeMismatch(f"data must be {kind}, got {data.type}", data=data.type)
    wide = data if data.dtype.computed is data.dtype else b.cast(data, dtype=data.dtype.computed)
    total = b.unsorted_segment_sum(wide, segment_ids, num_segments=num_segments)
    count = b.maximum(segment_counts(b, segment_ids, num_segments, total), b.tensor(1, like=total))
    divide = b.truncatediv if fold == "whole_mean" and data.dtype.is_integer else b.truediv
    mean = divide(total, b.sqrt(count) if fold == "sqrt_n" else count)
    if data.dtype.is_integer:
        return b.identity(mean, name=name)
    if mean.dtype is data.dtype:
        return b.identity(mean, name=name)
    return b.cast(mean, dtype=data.dtype, name=name)


def segment_counts(b: Any, segment_ids: Any, num_segments: Dim, like: Any) -> Any:
    """How many rows each segment has, in the dtype and rank of ``like``."""
    if like.type.shape is None:
        raise ShapeError(
            f"the rank of {like.name} must be known to average its segments",
            hint="say it: x.set_shape([None, 3])",
            site=here(),
        )
    if segment_ids.type.shape is None:
        segment_ids = b.dynamic_reshape(segment_ids, (-1,))
    one = b.broadcast_to(b.tensor(1, like=like), shape=segment_ids.type.shape)
    count = b.unsorted_segment_sum(one, segment_ids, num_segments=num_segments)
    while len(count.type.shape) < len(like.type.shape):
        count = b.expand_dims(count, axis=-1)
    return count


@composite
def sorted_segments(b: Any, fold: str, data: Any, segment_ids: Any, name: str | None = None) -> Any:
    """``fold`` of the rows of each segment; ids ascend from 0, the last is that of the last row."""
    ids = b.check_sorted(segment_ids)
    known = dims_of(segment_ids)
    if isinstance(known, tuple) and all(isinstance(k, int) for k in known):
        count: Dim = known[-1] + 1 if known else 0
    else:
        last = b.maximum(b.reduce_max(b.cast(ids, dtype=int64)), b.tensor(-1, dtype=int64))
        count = b.dim_argument(b.add(last, b.tensor(1, dtype=int64)))
    if fold not in ("max", "min"):
        whole = "whole_mean" if fold == "mean" else fold
        return b.unsorted_segments(whole, data, ids, count, name=name)
    extreme = b.unsorted_segments(fold, data, ids, count)
    present = segment_counts(b, ids, count, extreme)
    zero = b.tensor(0, like=extreme)
    return b.where(b.greater(present, zero), extreme, zero, name=name)
