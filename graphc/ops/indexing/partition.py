"""Ops whose results have as many elements as the values say: distinct ones, parts, stitched parts.

They run in Python.  The sizes they decide are attributes: symbols that each run binds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir.builder import composite
from graphc.ir.dims import Dim
from graphc.ir.dtype import DType, float32, int32, int64
from graphc.ir.op import REQUIRED, Kind, NotDifferentiable, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, same_dim, same_dtype
from graphc.ops.indexing.index import NO_VALUES, check_range

_PICKS = NotDifferentiable("which elements it keeps depends on their values")


def _check_vector(**operands: TensorType) -> None:
    for name, type in operands.items():
        if type.shape is not None and len(type.shape) != 1:
            raise Mismatch(f"{name} must be a vector, got {type}")


def _check_index_dtype(dtype: DType) -> None:
    if dtype not in (int32, int64):
        raise DTypeMismatch(f"indices must be int32 or int64, got {dtype}")


def first_places(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each distinct element first stands, in that order; and each element's number.

    NaN differs from every NaN.
    """
    if x.dtype.hasobject or x.dtype.kind == "c":
        number: dict[Any, int] = {}
        inverse = np.array([number.setdefault(v, len(number)) for v in x.tolist()], np.int64)
        _, first = np.unique(inverse, return_index=True)
        return first, inverse
    _, first, inverse = np.unique(x, return_index=True, return_inverse=True, equal_nan=False)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse.reshape(-1)]


class Unique(Op):
    """``y, idx``: the distinct elements of a vector as they first appear; ``y[idx] == x``."""

    operands = ("x",)
    attributes = {"count": REQUIRED, "dtype": int32}
    binding = "count"
    kind = Kind.HOST
    vjp = _PICKS

    def infer_type(self, x: TensorType) -> tuple[TensorType, TensorType]:
        _check_vector(x=x)
        _check_index_dtype(self.dtype)
        return x.with_shape((self.count,)), TensorType(self.dtype, x.shape)

    def reference(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        first, number = first_places(x)
        return x[first], number.astype(self.dtype.numpy)

    def host(self, x: np.ndarray) -> tuple:
        return self.reference(x)

    samples = [
        Sample("int32[6]", values={0: [7, 2, 7, 7, 9, 2]}, count=3),
        Sample("float32[4]", values={0: [np.nan, 1, np.nan, 1]}, count=3, dtype=int64),
        Sample("float64[3]", values={0: [0.0, -0.0, 5]}, count=2),
        Sample("string[3]", values={0: [b"b", b"a", b"b"]}, count=2),
        Sample("bool[3]", values={0: [True, True, False]}, count=2),
        Sample("int64[0]", count=0),
        Refuses("int32[2, 2]", "x must be a vector, got int32[2, 2]", count=1),
        Refuses("int32[2]", "indices must be int32 or int64, got float32", count=1,
                dtype=float32),
    ]  # fmt: skip


class UniqueWithCounts(Op):
    """``y, idx, counts``: as ``unique``, and how often each element appears."""

    operands = ("x",)
    attributes = {"count": REQUIRED, "dtype": int32}
    binding = "count"
    kind = Kind.HOST
    vjp = _PICKS

    def infer_type(self, x: TensorType) -> tuple[TensorType, TensorType, TensorType]:
        _check_vector(x=x)
        _check_index_dtype(self.dtype)
        number = TensorType(self.dtype, x.shape)
        return x.with_shape((self.count,)), number, TensorType(self.dtype, (self.count,))

    def reference(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        first, number = first_places(x)
        dtype = self.dtype.numpy
        counts = np.bincount(number, minlength=len(first))
        return x[first], number.astype(dtype), counts.astype(dtype)

    def host(self, x: np.ndarray) -> tuple:
        return self.reference(x)

    samples = [
        Sample("int32[6]", values={0: [7, 2, 7, 7, 9, 2]}, count=3),
        Sample("string[3]", values={0: [b"b", b"a", b"b"]}, count=2, dtype=int64),
        Sample("float32[0]", count=0),
        Refuses("int32[]", "x must be a vector, got int32[]", count=1),
    ]


class ListDiff(Op):
    """``out, idx``: the elements of ``x`` that are not in ``y``, in order; ``out == x[idx]``."""

    operands = ("x", "y")
    attributes = {"count": REQUIRED, "dtype": int32}
    binding = "count"
    kind = Kind.HOST
    vjp = _PICKS

    def infer_type(self, x: TensorType, y: TensorType) -> tuple[TensorType, TensorType]:
        same_dtype(x=x, y=y)
        _check_vector(x=x, y=y)
        _check_index_dtype(self.dtype)
        return x.with_shape((self.count,)), TensorType(self.dtype, (self.count,))

    def reference(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        left_out = set(y.tolist())
        kept = np.array([k for k, v in enumerate(x.tolist()) if v not in left_out], np.int64)
        return x[kept], kept.astype(self.dtype.numpy)

    def host(self, x: np.ndarray, y: np.ndarray) -> tuple:
        return self.reference(x, y)

    samples = [
        Sample("int32[6]", "int32[3]", values={0: [1, 2, 3, 4, 5, 6], 1: [1, 3, 5]}, count=3),
        Sample("int64[4]", "int64[1]", values={0: [1, 1, 2, 2], 1: [2]}, count=2, dtype=int64),
        Sample("string[2]", "string[1]", values={0: [b"a", b"b"], 1: [b"b"]}, count=1),
        Sample("float32[2]", "float32[0]", values={0: [1, 2]}, count=2),
        Refuses("int32[2]", "int64[2]", "dtypes of x and y differ", count=1),
        Refuses("int32[2]", "int32[2, 1]", "y must be a vector, got int32[2, 1]", count=1),
    ]


class DynamicPartition(Op):
    """Rows of ``data`` sorted into ``len(counts)`` outputs: ``data[i]`` goes to the output
    ``partitions[i]``, in order.

    ``partitions`` has the leading axes of ``data``.
    """

    operands = ("data", "partitions")
    attributes = {"counts": REQUIRED}
    binding = "counts"
    kind = Kind.HOST
    may_fail = True

    def infer_type(self, data: TensorType, partitions: TensorType) -> tuple[TensorType, ...]:
        if partitions.dtype is not int32:
            raise DTypeMismatch(f"partitions must be int32, got {partitions}")
        if not self.counts:
            raise Mismatch("num_partitions must be at least 1")
        if data.shape is None or partitions.shape is None:
            return (data.with_shape(None),) * len(self.counts)
        rank = len(partitions.shape)
        met = zip(data.shape, partitions.shape, strict=False)
        if len(data.shape) < rank or any(
            same_dim(d, p, f"axis {k}") is None for k, (d, p) in enumerate(met)
        ):
            raise Mismatch(
                "the shape of data must start with that of partitions",
                data=data,
                partitions=partitions,
            )
        return tuple(data.with_shape((count, *data.shape[rank:])) for count in self.counts)

    def reference(self, data: np.ndarray, partitions: np.ndarray) -> tuple[np.ndarray, ...]:
        check_range(partitions, len(self.counts), "partitions")
        rows = data.reshape(partitions.size, *data.shape[partitions.ndim :])
        flat = partitions.ravel()
        return tuple(rows[flat == k] for k in range(len(self.counts)))

    def host(self, data: np.ndarray, partitions: np.ndarray) -> tuple:
        return self.reference(data, partitions)

    def vjp(self, b: Any, ct: Any, y: Any, data: Any, partitions: Any) -> list:
        parts = ct if isinstance(ct, tuple | list) else [ct]
        made = y if isinstance(y, tuple | list) else [y]
        rows = [b.zeros_like(out) if c is None else c for c, out in zip(parts, made, strict=True)]
        joined = b.concat(*rows, axis=0) if len(rows) > 1 else rows[0]
        places = b.partition_places(partitions, number=len(self.counts))
        return [b.gather(joined, places, axis=0), None]

    samples = [
        Sample("float32[5, 2]", "int32[5]", values={1: [1, 0, 1, 1, 0]}, counts=(2, 3)),
        Sample("float64[2, 2]", "int32[2, 2]", values={1: [[2, 0], [0, 2]]}, counts=(2, 0, 2)),
        Sample("string[2]", "int32[2]", values={1: [0, 0]}, counts=(2,)),
        Sample("int32[0]", "int32[0]", counts=(0, 0)),
        Sample("float32[2]", "int32[]", values={1: 1}, counts=(0, 1)),
        Refuses("float32[3]", "int64[3]", "partitions must be int32, got int64[3]", counts=(1,)),
        Refuses("float32[3]", "int32[2]", "the shape of data must start with that of partitions",
                counts=(1,)),
        Refuses("float32[3]", "int32[3]", "num_partitions must be at least 1", counts=()),
    ]  # fmt: skip


class PartitionPlaces(Op):
    """Where each row goes when ``dynamic_partition``'s outputs stand one after another."""

    operands = ("partitions",)
    attributes = {"number": REQUIRED}
    kind = Kind.HOST
    may_fail = True
    vjp = NO_VALUES

    def infer_type(self, partitions: TensorType) -> TensorType:
        if partitions.dtype is not int32:
            raise DTypeMismatch(f"partitions must be int32, got {partitions}")
        return partitions

    def reference(self, partitions: np.ndarray) -> np.ndarray:
        check_range(partitions, self.number, "partitions")
        places = np.empty(partitions.size, np.int32)
        places[np.argsort(partitions.ravel(), kind="stable")] = np.arange(partitions.size)
        return places.reshape(partitions.shape)

    def host(self, partitions: np.ndarray) -> tuple:
        return (self.reference(partitions),)

    samples = [
        Sample("int32[5]", values={0: [1, 0, 1, 1, 0]}, number=2),
        Sample("int32[0]", number=1),
        Refuses("int64[3]", "partitions must be int32, got int64[3]", number=1),
    ]


class DynamicStitch(Op):
    """``y[indices[k][i]] = data[k][i]``: half of the operands are indices, the other half data.

    Of two rows for one place the later one stands; a place nobody names holds zeros.  The gradient
    of every row is that of its place.
    """

    operands = ("*inputs",)
    attributes = {"count": REQUIRED}
    binding = "count"
    kind = Kind.HOST
    may_fail = True

    def infer_type(self, *inputs: TensorType) -> TensorType:
        half = len(inputs) // 2
        if not half or len(inputs) % 2:
            raise Mismatch("there must be as many indices as data, and one at least")
        indices, data = inputs[:half], inputs[half:]
        for type in indices:
            if type.dtype is not int32:
                raise DTypeMismatch(f"indices must be int32, got {type}")
        dtype = same_dtype(**{f"data[{k}]": type for k, type in enumerate(data)})
        if any(t.shape is None for t in inputs):
            return TensorType(dtype, None)
        rest: tuple[Dim, ...] | None = None
        for index, rows in zip(indices, data, strict=True):
            rank = len(index.dims)
            own = rows.dims[rank:]
            met = [same_dim(p, q, "axis") for p, q in zip(index.dims, rows.dims, strict=False)]
            inner = () if rest is None else zip(rest, own, strict=False)
            met += [same_dim(p, q, "axis") for p, q in inner]
            if len(rows.dims) < rank or None in met or len(own) != len(rest or own):
                raise Mismatch(
                    "every data must have the shape of its indices and one shape after it",
                    indices=index, data=rows,
                )  # fmt: skip
            rest = own
        return TensorType(dtype, (self.count, *(rest or ())))

    def reference(self, *inputs: np.ndarray) -> np.ndarray:
        half = len(inputs) // 2
        indices, data = inputs[:half], inputs[half:]
        size = max((int(i.max()) + 1 for i in indices if i.size), default=0)
        if isinstance(self.count, int):
            size = max(size, self.count)
        rest = data[0].shape[indices[0].ndim :]
        out = np.zeros((size, *rest), data[0].dtype)
        if out.dtype.hasobject:
            out.fill(b"")
        for k, (index, rows) in enumerate(zip(indices, data, strict=True)):
            if index.size and index.min() < 0:
                raise InvalidArgumentError(f"indices[{k}] holds {index.min()}, below 0")
            out[index.ravel()] = rows.reshape(index.size, *rest)
        return out

    def host(self, *inputs: np.ndarray) -> tuple:
        return (self.reference(*inputs),)

    def vjp(self, b: Any, ct: Any, y: Any, *inputs: Any) -> list:
        indices = inputs[: len(inputs) // 2]
        return [None] * len(indices) + [b.gather(ct, index, axis=0) for index in indices]

    samples = [
        Sample("int32[2]", "int32[3]", "float32[2, 2]", "float32[3, 2]",
               values={0: [0, 4], 1: [1, 3, 2]}, count=5),
        Sample("int32[]", "int32[2, 1]", "float64[]", "float64[2, 1]",
               values={0: 2, 1: [[0], [1]]}, count=3),
        Sample("int32[3]", "int32[3]", values={0: [1, 1, 0]}, count=2),
        Sample("int32[1]", "float32[1]", values={0: [2]}, count=3),
        Sample("int32[0]", "float32[0]", count=0),
        Sample("int32[2]", "string[2]", values={0: [1, 0]}, count=2),
        Refuses("int32[2]", "there must be as many indices as data, and one at least", count=2),
        Refuses("int64[2]", "float32[2]", "indices must be int32, got int64[2]", count=2),
        Refuses("int32[2]", "float32[3]",
                "every data must have the shape of its indices and one shape after it", count=2),
    ]  # fmt: skip


@composite
def distinct(
    b: Any, x: Any, counted: bool = False, dtype: DType = int32, name: str | None = None
) -> Any:
    """``unique`` (``counted``: ``unique_with_counts``) with a fresh size."""
    make = b.unique_with_counts if counted else b.unique
    return make(x, count=b.home.new_dim("distinct", data=True), dtype=dtype, name=name)


@composite
def difference_of(b: Any, x: Any, y: Any, dtype: DType = int32, name: str | None = None) -> Any:
    """``list_diff`` with a fresh size."""
    count = b.home.new_dim("left", data=True)
    return b.list_diff(x, y, count=count, dtype=dtype, name=name)


@composite
def partitioned(b: Any, data: Any, partitions: Any, number: int, name: str | None = None) -> tuple:
    """``dynamic_partition`` into ``number`` parts of fresh sizes."""
    counts = tuple(b.home.new_dim("part", data=True) for _ in range(number))
    made = b.dynamic_partition(data, partitions, counts=counts, name=name)
    return tuple(made) if isinstance(made, tuple | list) else (made,)


@composite
def stitched(b: Any, indices: Any, data: Any, name: str | None = None) -> Any:
    """``dynamic_stitch``; the size is known at once where all indices are constants."""
    index = [b.tensor(i, dtype=int32) for i in indices]
    like = next((d for d in data if hasattr(d, "node")), None)
    rows = [b.tensor(d, like=like) for d in data]
    if all(i.node.op.name == "const" for i in index):
        arrays = [i.node.op.value.array for i in index]
        count: Dim = max((int(a.max()) + 1 for a in arrays if a.size), default=0)
    else:
        count = b.home.new_dim("stitched", data=True)
    return b.dynamic_stitch(*index, *rows, count=count, name=name)
