"""Order: the largest of each row, sorting, and places in what is sorted.

NaN stands above every number, and equal values keep the order they had.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir.builder import composite
from graphc.ir.dims import Dim
from graphc.ir.dtype import COMPLEX, FLOATING, REAL, bool_, int32, int64
from graphc.ir.op import REQUIRED, Kind, NotDifferentiable, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, same_dim, same_dtype
from graphc.ops.indexing.index import NO_VALUES, check_indices, check_range
from graphc.ops.shaping.shape import resolve_axis


def _ordered_rows(x: np.ndarray, largest: bool) -> np.ndarray:
    """The indices that sort every row."""
    if not largest:
        return np.argsort(x, axis=-1, kind="stable")
    # Backwards twice: equal values come in the order they had.
    flipped = np.argsort(x[..., ::-1], axis=-1, kind="stable")[..., ::-1]
    return x.shape[-1] - 1 - flipped


class TopKV2(Op):
    """``values, indices``: the ``k`` largest (or smallest) of each row, in order; lower index
    first among equals.
    """

    name = "top_k"
    operands = ("x",)
    attributes = {"k": REQUIRED, "largest": True}
    kind = Kind.OPAQUE
    may_fail = True

    def infer_type(self, x: TensorType) -> tuple[TensorType, TensorType]:
        if x.dtype not in REAL:
            raise DTypeMismatch(f"x must be numeric, got {x}")
        if isinstance(self.k, int) and self.k < 0:
            raise Mismatch(f"k must not be negative, got {self.k}")
        if x.shape is None:
            return x, TensorType(int32, None)
        if not x.shape:
            raise Mismatch("x must have an axis to order along", x=x)
        n = x.shape[-1]
        if isinstance(n, int) and isinstance(self.k, int) and n < self.k:
            raise Mismatch(f"there are {n} to choose from along the last axis, k is {self.k}", x=x)
        shape = (*x.shape[:-1], self.k)
        return x.with_shape(shape), TensorType(int32, shape)

    def reference(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if x.shape[-1] < self.k:
            raise InvalidArgumentError(
                f"there are {x.shape[-1]} to choose from along the last axis, k is {self.k}"
            )
        order = _ordered_rows(x, self.largest)[..., : self.k]
        return np.take_along_axis(x, order, -1), order.astype(np.int32)

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.ordering import lower_top

        return lower_top(node)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        if ct[0] is None:
            return [None]
        return [b.put_along_last(ct[0], y[1], size=x.type.shape[-1])]

    def jvp(self, b: Any, tangents: Any, y: Any, x: Any) -> list:
        (moved,) = tangents
        return [b.take_along_last(moved, y[1]), None]

    samples = [
        Sample("float32[3, 5]", k=2),
        Sample("float32[6]", k=6),
        Sample("float64[2, 3, 70]", k=60),
        Sample("float32[2, 100]", k=100, largest=False),
        Sample("float32[1, 40]", k=3, values={0: np.tile([np.nan, 1, np.inf, -np.inf], 10)},
               gradient=False),
        Sample("float32[1, 60]", k=60, values={0: np.tile([np.nan, 1, -2], 20)}, gradient=False),
        Sample("float32[1, 60]", k=60, values={0: np.tile([2, np.nan, 0], 20)}, gradient=False,
               largest=False),
        Sample("int32[2, 9]", k=4),
        Sample("int64[2, 90]", k=90, low=-3, high=3),
        Sample("uint8[70]", k=70, low=0, high=3, largest=False),
        Sample("float16[2, 5]", k=3),
        Sample("bfloat16[2, 5]", k=3),
        Sample("float32[3, 1]", k=1),
        Sample("float32[3, 4]", k=0),
        Sample("float32[0, 4]", k=2),
        Sample("float32[2, 0]", k=0),
        Refuses("float32[3]", "there are 3 to choose from along the last axis, k is 4", k=4),
        Refuses("float32[]", "x must have an axis to order along", k=1),
        Refuses("bool[3]", "x must be numeric, got bool[3]", k=1),
        Refuses("float32[3]", "k must not be negative, got -1", k=-1),
    ]  # fmt: skip


class TakeAlongLast(Op):
    """``y[..., j] = x[..., indices[..., j]]``."""

    operands = ("x", "indices")
    kind = Kind.GATHER
    may_fail = True

    def infer_type(self, x: TensorType, indices: TensorType) -> TensorType:
        check_indices(indices=indices)
        if x.shape is None or indices.shape is None:
            return x.with_shape(None)
        _same_leading(x=x, indices=indices)
        return x.with_shape(indices.shape)

    def reference(self, x: np.ndarray, indices: np.ndarray) -> np.ndarray:
        check_range(indices, x.shape[-1], "indices")
        return np.take_along_axis(x, indices.astype(np.int64), -1)

    def element(self, e: Any, at: tuple[Dim, ...], x: Any, indices: Any) -> Any:
        return x(*at[:-1], e.index(indices(*at), x.type.shape[-1]))

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, indices: Any) -> list:
        return [b.put_along_last(ct, indices, size=x.type.shape[-1]), None]

    samples = [
        Sample("float32[2, 5]", "int32[2, 3]", values={1: [[0, 4, 2], [1, 1, 3]]}),
        Sample("float64[4]", "int64[2]", values={1: [3, 0]}),
        Sample("int32[2, 3]", "int32[2, 0]"),
        Refuses("float32[3]", "float32[2]", "indices must be int32 or int64, got float32[2]"),
        Refuses("float32[2, 3]", "int32[3, 3]", "x and indices differ before their last axis"),
    ]


def _same_leading(**operands: TensorType) -> None:
    (first, one), (second, two) = operands.items()
    left, right = one.dims[:-1], two.dims[:-1]
    met = [same_dim(p, q, f"axis {k}") for k, (p, q) in enumerate(zip(left, right, strict=False))]
    if not one.dims or not two.dims or len(left) != len(right) or None in met:
        raise Mismatch(f"{first} and {second} differ before their last axis", None, **operands)


class PutAlongLast(Op):
    """``y[..., indices[..., j]]`` is the sum of ``x[..., j]``; ``size`` places, 0 elsewhere."""

    operands = ("x", "indices")
    attributes = {"size": REQUIRED}
    kind = Kind.OPAQUE
    may_fail = True

    def infer_type(self, x: TensorType, indices: TensorType) -> TensorType:
        check_indices(indices=indices)
        if x.dtype not in REAL + COMPLEX:
            raise DTypeMismatch(f"x must be numeric, got {x}")
        if x.shape is None or indices.shape is None:
            return x.with_shape(None)
        if not x.shape or len(x.shape) != len(indices.shape) or same_dim(
            x.shape[-1], indices.shape[-1], "the last axis"
        ) is None:  # fmt: skip
            raise Mismatch("x and indices must have one shape", x=x, indices=indices)
        _same_leading(x=x, indices=indices)
        return x.with_shape((*x.shape[:-1], self.size))

    def reference(self, x: np.ndarray, indices: np.ndarray) -> np.ndarray:
        check_range(indices, self.size, "indices")
        wide = np.float32 if x.dtype == np.float16 else x.dtype
        out = np.zeros((*x.shape[:-1], self.size), wide)
        places = np.indices(indices.shape)
        np.add.at(out, (*places[:-1], indices), x.astype(wide))
        return out.astype(x.dtype)

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.ordering import lower_put

        return lower_put(node)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, indices: Any) -> list:
        return [b.take_along_last(ct, indices), None]

    samples = [
        Sample("float32[2, 3]", "int32[2, 3]", values={1: [[0, 4, 2], [1, 1, 3]]}, size=5),
        Sample("float64[2]", "int64[2]", values={1: [3, 0]}, size=4),
        Sample("float16[2, 2]", "int32[2, 2]", values={1: [[1, 0], [0, 2]]}, size=3),
        Sample("int32[2, 0]", "int32[2, 0]", size=3),
        Refuses("float32[3]", "float32[3]", "indices must be int32 or int64, got float32[3]",
                size=2),
        Refuses("float32[3]", "int32[2]", "x and indices must have one shape", size=2),
        Refuses("bool[3]", "int32[3]", "x must be numeric, got bool[3]", size=2),
    ]  # fmt: skip


class SearchSorted(Op):
    """How many of the sorted row of ``sequence`` stand before each element of ``x``.

    ``right``: those equal to it count too.
    """

    operands = ("sequence", "x")
    attributes = {"right": False, "dtype": int32}
    kind = Kind.OPAQUE
    vjp = NO_VALUES

    def infer_type(self, sequence: TensorType, x: TensorType) -> TensorType:
        dtype = same_dtype(sequence=sequence, x=x)
        if dtype not in REAL:
            raise DTypeMismatch(f"sequence must be numeric, got {sequence}")
        if self.dtype not in (int32, int64):
            raise DTypeMismatch(f"dtype must be int32 or int64, got {self.dtype}")
        if sequence.shape is not None and x.shape is not None:
            _same_leading(sequence=sequence, x=x)
        return TensorType(self.dtype, x.shape)

    def reference(self, sequence: np.ndarray, x: np.ndarray) -> np.ndarray:
        side: Any = "right" if self.right else "left"
        rows = sequence.reshape(-1, sequence.shape[-1]) if sequence.size else None
        found = np.zeros(x.shape, self.dtype.numpy)
        if rows is not None and x.size:
            flat = found.reshape(-1, x.shape[-1])
            for k, wanted in enumerate(x.reshape(-1, x.shape[-1])):
                flat[k] = np.searchsorted(rows[k], wanted, side)
        return found

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.ordering import lower_find

        return lower_find(node)

    samples = [
        Sample("float32[1, 4]", "float32[1, 3]", values={0: [[1, 2, 2, 3]], 1: [[2, 0, 5]]}),
        Sample("int32[2, 3]", "int32[2, 4]", right=True, dtype=int64,
               values={0: [[1, 2, 2], [0, 5, 9]], 1: [[2, 0, 5, 1], [5, 4, 10, -1]]}),
        Sample("float64[5]", "float64[2]", values={0: [1, 2, 3, 4, 5], 1: [3.0, 3.5]}),
        Sample("float32[2, 0]", "float32[2, 2]"),
        Sample("float32[2, 3]", "float32[2, 0]"),
        Refuses("float32[3]", "int32[3]", "dtypes of sequence and x differ"),
        Refuses("bool[3]", "bool[3]", "sequence must be numeric, got bool[3]"),
        Refuses("float32[2, 3]", "float32[3, 3]", "sequence and x differ before their last axis"),
    ]  # fmt: skip


class NthElement(Op):
    """The ``n``-th smallest of each row, counted from 0 (``reverse``: the n-th largest).

    The gradient is shared by all elements that equal it.
    """

    operands = ("x",)
    attributes = {"n": REQUIRED, "reverse": False}
    kind = Kind.EXPANDED

    def infer_type(self, x: TensorType) -> TensorType:
        if x.dtype not in REAL:
            raise DTypeMismatch(f"x must be numeric, got {x}")
        if x.shape is None:
            return x
        if not x.shape:
            raise Mismatch("x must have an axis to order along", x=x)
        size = x.shape[-1]
        if isinstance(self.n, int) and (
            self.n < 0 or (isinstance(size, int) and self.n >= size)
        ):  # fmt: skip
            raise Mismatch(f"n must be in [0, {size}), got {self.n}", x=x)
        return x.with_shape(x.shape[:-1])

    def reference(self, x: np.ndarray) -> np.ndarray:
        order = _ordered_rows(x, self.reverse)[..., self.n : self.n + 1]
        return np.take_along_axis(x, order, -1)[..., 0]

    def expand(self, b: Any, x: Any) -> Any:
        rank = len(x.type.shape)
        values, _ = b.top_k(x, k=self.n + 1, largest=self.reverse)
        last = b.slice(values, begin=(*(0,) * (rank - 1), self.n), size=(*x.type.shape[:-1], 1))
        return b.squeeze(last, axis=(rank - 1,))

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        equal = b.cast(b.equal(b.expand_dims(y, axis=-1), x), dtype=ct.dtype)
        share = b.truediv(equal, b.reduce_sum(equal, axis=(-1,), keepdims=True))
        return [b.mul(b.expand_dims(ct, axis=-1), share)]

    samples = [
        Sample("float32[3, 5]", n=2),
        Sample("float64[6]", n=0, reverse=True),
        Sample("int32[2, 4]", n=3),
        Refuses("float32[3]", "n must be in [0, 3), got 3", n=3),
        Refuses("float32[]", "x must have an axis to order along", n=0),
        Refuses("bool[3]", "x must be numeric, got bool[3]", n=0),
    ]


class InTopK(Op):
    """Whether the score of each row's target is among the row's ``k`` largest.

    Scores equal to the target's do not count against it.  A row with a score that is not finite,
    or a target outside the classes, gives False.
    """

    operands = ("predictions", "targets", "k")
    kind = Kind.EXPANDED
    vjp = NotDifferentiable("its value is a condition")

    def infer_type(self, predictions: TensorType, targets: TensorType, k: TensorType) -> TensorType:
        check_indices(targets=targets, k=k)
        if predictions.dtype not in FLOATING:
            raise DTypeMismatch(f"predictions must be floating, got {predictions}")
        if predictions.shape is None or targets.shape is None:
            return TensorType(bool_, None if targets.shape is None else targets.shape)
        if len(predictions.shape) != 2 or len(targets.shape) != 1:
            raise Mismatch(
                "predictions must be a matrix and targets a vector",
                predictions=predictions, targets=targets,
            )  # fmt: skip
        if same_dim(predictions.shape[0], targets.shape[0], "axis 0") is None:
            raise Mismatch(
                "predictions and targets differ in their first axis",
                predictions=predictions, targets=targets,
            )  # fmt: skip
        return TensorType(bool_, targets.shape)

    def reference(self, predictions: np.ndarray, targets: np.ndarray, k: np.ndarray) -> np.ndarray:
        rows, classes = predictions.shape
        inside = (targets >= 0) & (targets < classes)
        if not classes:
            return np.zeros(rows, bool)
        own = predictions[np.arange(rows), np.where(inside, targets, 0)]
        above = (predictions > own[:, None]).sum(-1)
        return inside & np.isfinite(predictions).all(-1) & (above < k)

    def expand(self, b: Any, predictions: Any, targets: Any, k: Any) -> Any:
        rows, classes = predictions.type.shape
        places = b.range(limit=classes, dtype=targets.dtype)
        own = b.equal(places, b.reshape(targets, shape=(rows, 1)))
        zero = b.tensor(0, dtype=predictions.dtype)
        score = b.reduce_sum(b.where(own, predictions, zero), axis=(1,), keepdims=True)
        above = b.cast(b.greater(predictions, score), dtype=k.dtype)
        few = b.less(b.reduce_sum(above, axis=(1,)), k)
        finite = b.reduce_all(b.is_finite(predictions), axis=(1,))
        return b.logical_and(b.logical_and(few, finite), b.reduce_any(own, axis=(1,)))

    samples = [
        Sample("float32[3, 4]", "int32[3]", "int32[]", values={1: [0, 3, 2], 2: 2}),
        Sample("float32[4, 3]", "int64[4]", "int32[]",
               values={0: [[1, 2, 3], [3, np.nan, 1], [5, 5, 5], [np.inf, 1, 2]],
                       1: [1, 0, 2, 7], 2: 2}),
        Sample("float32[0, 4]", "int32[0]", "int64[]", values={2: 1}),
        Sample("float32[2, 1]", "int32[2]", "int32[]", values={1: [0, -1], 2: 1}),
        Refuses("int32[2, 3]", "int32[2]", "int32[]",
                "predictions must be floating, got int32[2, 3]"),
        Refuses("float32[2, 3]", "float32[2]", "int32[]",
                "targets must be int32 or int64, got float32[2]"),
        Refuses("float32[3]", "int32[3]", "int32[]",
                "predictions must be a matrix and targets a vector"),
        Refuses("float32[2, 3]", "int32[3]", "int32[]",
                "predictions and targets differ in their first axis"),
    ]  # fmt: skip


@composite
def ordered(
    b: Any, x: Any, axis: int = -1, largest: bool = False, name: str | None = None
) -> tuple[Any, Any]:
    """``values, indices`` along ``axis``, in order."""
    if x.type.shape is None:
        raise Mismatch("sorting needs to know the rank", x=x.type)
    axis = resolve_axis(axis, len(x.type.shape), x=x.type)
    last = len(x.type.shape) - 1
    if axis == last:
        return tuple(b.top_k(x, k=x.type.shape[-1], largest=largest, name=name))
    perm = tuple(last if k == axis else axis if k == last else k for k in range(last + 1))
    moved = b.transpose(x, perm=perm)
    parts = b.top_k(moved, k=moved.type.shape[-1], largest=largest)
    values, indices = (b.transpose(part, perm=perm) for part in parts)
    return values, indices
