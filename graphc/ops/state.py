"""Writing variables, and operations that are only there for their order.

The first operand of a write is the variable; the output is its value afterwards.  Everything but
``assign`` is spelled as arithmetic ending in an assign: fusion makes in-place kernels of that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir.dtype import REAL
from graphc.ir.op import Elementwise, Kind, NotDifferentiable, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, same_dim, same_dtype
from graphc.ops.index import check_indices, check_range

A_WRITE = NotDifferentiable("it writes a variable")


def _same_shape(variable: TensorType, value: TensorType) -> None:
    if variable.shape is None or value.shape is None:
        return
    met = [
        same_dim(p, q, f"axis {k}")
        for k, (p, q) in enumerate(zip(variable.shape, value.shape, strict=False))
    ]
    if len(variable.shape) != len(value.shape) or None in met:
        raise Mismatch(
            "the value has another shape than the variable", variable=variable, value=value
        )


class Write(Op, abstract=True):
    """A new value for a variable, of its dtype and shape."""

    operands = ("variable", "value")
    effect = True
    writes = 0
    vjp = A_WRITE

    def infer_type(self, variable: TensorType, value: TensorType) -> TensorType:
        same_dtype(variable=variable, value=value)
        _same_shape(variable, value)
        return variable


class Assign(Write):
    """``variable = value``."""

    kind = Kind.EFFECT

    def reference(self, variable: np.ndarray, value: np.ndarray) -> np.ndarray:
        return value

    def scalar(self, variable: Any, value: Any) -> str:
        return f"{value}"

    samples = [
        Sample("float32[3, 4]", "float32[3, 4]"),
        Sample("int64[]", "int64[]"),
        Sample("bool[2]", "bool[2]"),
        Refuses("float32[2]", "float64[2]", "dtypes of variable and value differ"),
        Refuses("float32[2]", "float32[3]", "the value has another shape than the variable"),
        Refuses("float32[2]", "float32[]", "the value has another shape than the variable"),
    ]


class _Step(Write, abstract=True):
    kind = Kind.EXPANDED
    dtypes = REAL

    def infer_type(self, variable: TensorType, value: TensorType) -> TensorType:
        if variable.dtype not in self.dtypes:
            raise DTypeMismatch(f"variable must be numeric, got {variable}")
        return super().infer_type(variable, value)

    samples = [
        Sample("float32[3, 4]", "float32[3, 4]"),
        Sample("int64[]", "int64[]"),
        Sample("float16[2]", "float16[2]"),
        Refuses("bool[2]", "bool[2]", "variable must be numeric, got bool[2]"),
        Refuses("float32[2]", "float32[3]", "the value has another shape than the variable"),
    ]


class AssignAdd(_Step):
    """``variable += value``."""

    def reference(self, variable: np.ndarray, value: np.ndarray) -> np.ndarray:
        return np.add(variable, value)

    def expand(self, b: Any, variable: Any, value: Any) -> Any:
        return b.assign(variable, b.add(variable, value))


class AssignSub(_Step):
    """``variable -= value``."""

    def reference(self, variable: np.ndarray, value: np.ndarray) -> np.ndarray:
        return np.subtract(variable, value)

    def expand(self, b: Any, variable: Any, value: Any) -> Any:
        return b.assign(variable, b.sub(variable, value))


def _check_rows(variable: TensorType, indices: TensorType, updates: TensorType) -> None:
    """``updates`` is a row of the variable per index."""
    check_indices(indices=indices)
    same_dtype(variable=variable, updates=updates)
    if variable.shape is None or indices.shape is None or updates.shape is None:
        return
    if not variable.shape:
        raise Mismatch("the variable has no rows", variable=variable)
    wanted = (*indices.shape, *variable.shape[1:])
    met = [
        same_dim(p, q, f"axis {k}")
        for k, (p, q) in enumerate(zip(wanted, updates.shape, strict=False))
    ]
    if len(wanted) != len(updates.shape) or None in met:
        expected = TensorType(updates.dtype, wanted)
        raise Mismatch(
            f"updates must be a row per index, {expected}", indices=indices, updates=updates
        )


ROWS = [
    Sample("float32[4, 2]", "int32[3]", "float32[3, 2]", values={1: [0, 3, 0]}),
    Sample("float64[3]", "int64[2, 1]", "float64[2, 1]", values={1: [[2], [1]]}),
    Sample("float32[3, 2]", "int32[]", "float32[2]", values={1: 1}),
    Sample("float32[3, 2]", "int32[0]", "float32[0, 2]"),
    Refuses("float32[3]", "float32[1]", "float32[1]",
            "indices must be int32 or int64, got float32[1]"),
    Refuses("float32[4, 2]", "int32[3]", "float32[2, 2]",
            "updates must be a row per index, float32[3, 2]"),
    Refuses("float32[]", "int32[]", "float32[]", "the variable has no rows"),
]  # fmt: skip


class ScatterRows(Op):
    """``updates[i]`` in place of row ``indices[i]``; the last of equal indices counts."""

    operands = ("variable", "indices", "updates")
    kind = Kind.OPAQUE
    may_fail = True

    def infer_type(
        self, variable: TensorType, indices: TensorType, updates: TensorType
    ) -> TensorType:
        _check_rows(variable, indices, updates)
        return variable

    def reference(
        self, variable: np.ndarray, indices: np.ndarray, updates: np.ndarray
    ) -> np.ndarray:
        check_range(indices, len(variable), "indices")
        out = variable.copy()
        for index, row in zip(
            indices.ravel(), updates.reshape(-1, *variable.shape[1:]), strict=True
        ):
            out[index] = row
        return out

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.opaque import lower_scatter_rows

        return lower_scatter_rows(node)

    vjp = NotDifferentiable("rows are replaced for a variable's sake")
    samples = ROWS


class _Scatter(Op, abstract=True):
    """A change to some rows of a variable; an index outside it is an error: nothing is written."""

    operands = ("variable", "indices", "updates")
    kind = Kind.EXPANDED
    effect = True
    writes = 0
    may_fail = True
    vjp = A_WRITE
    samples = ROWS

    def infer_type(
        self, variable: TensorType, indices: TensorType, updates: TensorType
    ) -> TensorType:
        _check_rows(variable, indices, updates)
        return variable


class ScatterUpdate(_Scatter):
    """``variable[indices[i]] = updates[i]``; the last of equal indices counts."""

    def reference(
        self, variable: np.ndarray, indices: np.ndarray, updates: np.ndarray
    ) -> np.ndarray:
        return ScatterRows().reference(variable, indices, updates)

    def expand(self, b: Any, variable: Any, indices: Any, updates: Any) -> Any:
        return b.assign(variable, b.scatter_rows(variable, indices, updates))


class ScatterAdd(_Scatter):
    """``variable[indices[i]] += updates[i]``; equal indices add up."""

    def reference(
        self, variable: np.ndarray, indices: np.ndarray, updates: np.ndarray
    ) -> np.ndarray:
        return variable + _row_sums(variable, indices, updates)

    def expand(self, b: Any, variable: Any, indices: Any, updates: Any) -> Any:
        return b.assign(variable, b.add(variable, _summed_rows(b, variable, indices, updates)))


class ScatterSub(_Scatter):
    """``variable[indices[i]] -= updates[i]``; equal indices add up."""

    def reference(
        self, variable: np.ndarray, indices: np.ndarray, updates: np.ndarray
    ) -> np.ndarray:
        return variable - _row_sums(variable, indices, updates)

    def expand(self, b: Any, variable: Any, indices: Any, updates: Any) -> Any:
        return b.assign(variable, b.sub(variable, _summed_rows(b, variable, indices, updates)))


def _row_sums(variable: np.ndarray, indices: np.ndarray, updates: np.ndarray) -> np.ndarray:
    check_range(indices, len(variable), "indices")
    sums = np.zeros_like(variable)
    np.add.at(sums, indices, updates)
    return sums


def _summed_rows(b: Any, variable: Any, indices: Any, updates: Any) -> Any:
    rows = variable.type.shape[0]
    checked = b.check_range(indices, bound=rows)
    return b.unsorted_segment_sum(updates, checked, num_segments=rows)


class NoOp(Op):
    """Nothing: a node to hang control dependencies on."""

    operands = ()
    kind = Kind.EFFECT
    effect = True
    source = True  # there is nothing to compute
    vjp = NotDifferentiable("it has no operands")

    def infer_type(self) -> tuple[TensorType, ...]:
        return ()

    def reference(self) -> tuple:
        return ()

    samples = [Sample()]


class Snapshot(Elementwise):
    """``y = x``, in memory of its own: a variable's version that outlives the next write."""

    operands = ("x",)
    linear = True

    def reference(self, x: np.ndarray) -> np.ndarray:
        return x.copy()

    def scalar(self, x: Any) -> str:
        return f"{x}"

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [ct]

    samples = [Sample("float32[3, 4]"), Sample("int32[3]"), Sample("bool[2]")]
