"""Sparse tensors: values at some positions, given as the rows of a matrix of indices.

What depends on positions alone (their order, which are equal) is worked out beside the values, so
that values flow through ordinary ops and have gradients.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir.builder import composite
from graphc.ir.dims import Dim
from graphc.ir.dtype import REAL, bool_, int64
from graphc.ir.op import REQUIRED, Kind, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, same_dim, same_dtype
from graphc.ops.indexing.index import NO_VALUES, check_indices, check_range


def _check_vector(name: str, type: TensorType) -> None:
    if type.shape is not None and len(type.shape) != 1:
        raise Mismatch(f"{name} must be a vector, got {type}")


class SparseMatMul(Op):
    """``y[rows[k], :] += values[k] * dense[columns[k], :]``, in order: a sparse matrix of
    ``count`` rows times a dense one."""

    operands = ("rows", "columns", "values", "dense")
    attributes = {"count": REQUIRED}
    kind = Kind.OPAQUE
    may_fail = True

    def infer_type(
        self, rows: TensorType, columns: TensorType, values: TensorType, dense: TensorType
    ) -> TensorType:
        check_indices(rows=rows, columns=columns)
        dtype = same_dtype(values=values, dense=dense)
        if dtype not in REAL:
            raise DTypeMismatch(f"values must be numeric, got {values}")
        for name, type in (("rows", rows), ("columns", columns), ("values", values)):
            _check_vector(name, type)
        known = [t.shape[0] for t in (rows, columns, values) if t.shape is not None]
        if any(same_dim(known[0], n, "entries") is None for n in known[1:]):
            raise Mismatch(
                "rows, columns and values differ in length", rows=rows, columns=columns,
                values=values,
            )  # fmt: skip
        if dense.shape is None:
            return dense
        if len(dense.shape) != 2:
            raise Mismatch(f"dense must be a matrix, got {dense}")
        return dense.with_shape((self.count, dense.shape[1]))

    def reference(
        self, rows: np.ndarray, columns: np.ndarray, values: np.ndarray, dense: np.ndarray
    ) -> np.ndarray:
        check_range(rows, self.count, "rows")
        check_range(columns, len(dense), "columns")
        wide = np.float32 if values.dtype == np.float16 else values.dtype
        out = np.zeros((self.count, dense.shape[1]), wide)
        np.add.at(out, rows, values[:, None].astype(wide) * dense[columns].astype(wide))
        return out.astype(values.dtype)

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.sparse import lower_sparse_matmul

        return lower_sparse_matmul(node)

    def vjp(
        self, b: Any, ct: Any, y: Any, rows: Any, columns: Any, values: Any, dense: Any
    ) -> list:
        products = b.mul(b.gather(ct, rows, axis=0), b.gather(dense, columns, axis=0))
        across = b.sparse_mat_mul(columns, rows, values, ct, count=dense.type.shape[0])
        return [None, None, b.reduce_sum(products, axis=(1,)), across]

    samples = [
        Sample("int64[4]", "int64[4]", "float32[4]", "float32[3, 2]",
               values={0: [0, 2, 2, 0], 1: [1, 0, 2, 1]}, count=4),
        Sample("int32[2]", "int32[2]", "float64[2]", "float64[2, 3]",
               values={0: [1, 0], 1: [1, 1]}, count=2),
        Sample("int64[0]", "int64[0]", "float32[0]", "float32[2, 3]", count=20),
        Sample("int64[2]", "int64[2]", "int32[2]", "int32[2, 1]",
               values={0: [0, 0], 1: [0, 1]}, count=1),
        Refuses("int64[2]", "int64[3]", "float32[2]", "float32[2, 2]",
                "rows, columns and values differ in length", count=2),
        Refuses("int64[2]", "int64[2]", "float32[2]", "float32[2]",
                "dense must be a matrix, got float32[2]", count=2),
        Refuses("int64[2]", "int64[2]", "float32[2]", "float64[2, 2]",
                "dtypes of values and dense differ", count=2),
    ]  # fmt: skip


class FilledAt(Op):
    """``y[positions[k]] = values[k]``, in order, and ``default`` everywhere else: ``size`` long.

    A position outside is passed over: whoever takes positions from a user checks them.
    """

    operands = ("positions", "values", "default")
    attributes = {"size": REQUIRED}
    kind = Kind.OPAQUE

    def infer_type(
        self, positions: TensorType, values: TensorType, default: TensorType
    ) -> TensorType:
        check_indices(positions=positions)
        same_dtype(values=values, default=default)
        _check_vector("positions", positions)
        _check_vector("values", values)
        if default.shape not in (None, ()):
            raise Mismatch(f"default must be a scalar, got {default}")
        if None not in (positions.shape, values.shape) and (
            same_dim(positions.shape[0], values.shape[0], "entries") is None
        ):
            raise Mismatch("one value is needed per position", positions=positions, values=values)
        return TensorType(values.dtype, (self.size,))

    def reference(
        self, positions: np.ndarray, values: np.ndarray, default: np.ndarray
    ) -> np.ndarray:
        out = np.full((self.size,), default, values.dtype)
        for position, value in zip(positions.tolist(), values, strict=True):
            if 0 <= position < self.size:
                out[position] = value
        return out

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.sparse import lower_filled_at

        return lower_filled_at(node)

    def vjp(self, b: Any, ct: Any, y: Any, positions: Any, values: Any, default: Any) -> list:
        (count,) = positions.type.dims
        limit = b.dim_value(dim=self.size, dtype=positions.dtype)
        inside = b.logical_and(b.greater_equal(positions, 0), b.less(positions, limit))
        places = b.where(inside, positions, b.tensor(-1, dtype=positions.dtype))
        order = b.arange(0, count, 1, dtype=int64)
        nobody = b.tensor(-1, dtype=int64)
        last = b.filled_at(places, order, nobody, size=self.size)  # whose value each element is
        counts = b.equal(b.rows_or_zeros(last, places), order)
        rows = b.rows_or_zeros(ct, places)
        zero = b.zeros_like(ct)
        return [
            None,
            b.where(counts, rows, b.zeros_like(rows)),
            b.reduce_sum(b.where(b.less(last, 0), ct, zero), axis=None),
        ]

    samples = [
        Sample("int64[3]", "float32[3]", "float32[]", values={0: [4, 0, 2]}, size=6),
        Sample("int32[3]", "float64[3]", "float64[]", values={0: [1, 1, 0]}, size=2),
        Sample("int64[4]", "float64[4]", "float64[]", values={0: [7, -1, 1, 2]}, size=2),
        Sample("int64[0]", "int32[0]", "int32[]", size=3),
        Sample("int64[2]", "bool[2]", "bool[]", values={0: [0, 1]}, size=2),
        Sample("int64[2]", "float16[2]", "float16[]", values={0: [0, 19]}, size=20),
        Refuses("int64[2]", "float32[3]", "float32[]", "one value is needed per position", size=4),
        Refuses("int64[2]", "float32[2]", "float32[1]",
                "default must be a scalar, got float32[1]", size=4),
    ]  # fmt: skip


class CheckIncreasing(Op):
    """``y = positions``; the run fails unless each is larger than the one before it."""

    operands = ("positions",)
    kind = Kind.GATHER
    may_fail = True
    vjp = NO_VALUES

    def infer_type(self, positions: TensorType) -> TensorType:
        check_indices(positions=positions)
        _check_vector("positions", positions)
        return positions

    def reference(self, positions: np.ndarray) -> np.ndarray:
        steps = np.diff(positions)
        if (steps <= 0).any():
            at = int(np.argmax(steps <= 0))
            fact = "repeated" if steps[at] == 0 else "out of order"
            raise InvalidArgumentError(
                f"indices[{at + 1}] is {fact}",
                hint="tf.sparse_reorder puts indices in order; validate_indices=False accepts any",
            )
        return positions

    def element(self, e: Any, at: tuple[Dim, ...], positions: Any) -> Any:
        own = positions(*at)
        place = e.position(at[0])
        size = positions.type.shape[0]
        one = e.literal(1, int64)
        before = positions(e.clamp(e.let(f"sub({place}, {one})", int64, place), size))
        later = e.let(f"ge({place}, {one})", bool_, place)
        e.check(e.let(f"logical_and({later}, le({own}, {before}))", bool_, later, own, before))
        return own

    samples = [
        Sample("int64[4]", values={0: [0, 2, 3, 9]}),
        Sample("int32[1]", values={0: [5]}),
        Sample("int64[0]"),
        Refuses("float32[2]", "positions must be int32 or int64, got float32[2]"),
        Refuses("int64[2, 2]", "positions must be a vector, got int64[2, 2]"),
    ]


def _check_matrix(indices: TensorType) -> None:
    check_indices(indices=indices)
    if indices.shape is not None and len(indices.shape) != 2:
        raise Mismatch(f"indices must be a matrix, got {indices}")


class IndexOrder(Op):
    """The permutation that puts the rows of ``indices`` in order; equal ones stay as they were."""

    operands = ("indices",)
    kind = Kind.HOST
    vjp = NO_VALUES

    def infer_type(self, indices: TensorType) -> TensorType:
        _check_matrix(indices)
        return TensorType(int64, None if indices.shape is None else indices.shape[:1])

    def reference(self, indices: np.ndarray) -> np.ndarray:
        return _order(indices)

    def host(self, indices: np.ndarray) -> tuple:
        return (_order(indices),)

    samples = [
        Sample("int64[4, 2]", values={0: [[1, 0], [0, 5], [1, 0], [0, 2]]}),
        Sample("int32[3, 1]", values={0: [[2], [0], [1]]}),
        Sample("int64[0, 3]"),
        Refuses("int64[3]", "indices must be a matrix, got int64[3]"),
    ]


def _order(indices: np.ndarray) -> np.ndarray:
    if not indices.shape[1]:
        return np.arange(len(indices))
    return np.lexsort(indices.T[::-1]).astype(np.int64)


class IndexGroups(Op):
    """``groups, place``: the distinct rows of ``indices`` in order, and which of them each row is.

    ``count`` is the data-dependent size the run binds to the number of groups.
    """

    operands = ("indices",)
    attributes = {"count": REQUIRED}
    binding = "count"
    kind = Kind.HOST
    vjp = NO_VALUES

    def infer_type(self, indices: TensorType) -> tuple[TensorType, TensorType]:
        _check_matrix(indices)
        if indices.shape is None:
            return TensorType(indices.dtype, None), TensorType(int64, None)
        entries, rank = indices.shape
        return indices.with_shape((self.count, rank)), TensorType(int64, (entries,))

    def reference(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        order = _order(indices)
        ordered = indices[order]
        fresh = np.ones(len(ordered), bool)
        if len(ordered) > 1:
            fresh[1:] = (ordered[1:] != ordered[:-1]).any(1)
        place = np.empty(len(ordered), np.int64)
        place[order] = np.cumsum(fresh) - 1
        return ordered[fresh], place

    def host(self, indices: np.ndarray) -> tuple:
        return self.reference(indices)

    def binds(self, y: np.ndarray) -> dict[str, int]:
        """The data-dependent sizes its output determines."""
        return {str(self.count): len(y)}

    samples = [
        Sample("int64[4, 2]", values={0: [[1, 0], [0, 5], [1, 0], [0, 2]]}, count=3),
        Sample("int32[3, 1]", values={0: [[2], [2], [2]]}, count=1),
        Sample("int64[0, 3]", count=0),
        Refuses("int64[3]", "indices must be a matrix, got int64[3]", count=1),
    ]


@composite
def index_groups_of(b: Any, indices: Any) -> Any:
    """``index_groups`` with a fresh data-dependent count."""
    return b.index_groups(indices, count=b.home.new_dim("count", data=True))
