"""Where along an axis the extremes are."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from graphc.ir.dtype import INTEGER, float32, int32, int64
from graphc.ir.op import Kind, NotDifferentiable, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType
from graphc.ops.reducing.reduction import AxisOp
from graphc.ops.shaping.shape import at_most


class Position(AxisOp, abstract=True):
    """Where along ``axis`` the extreme is: the first of equal ones; NaN counts as no number.

    That is the least position whose element equals the extreme: two reductions that vectorise,
    where one that carries a value and its place would not.
    """

    attributes = {"axis": 0, "dtype": int64}
    keepdims = False
    kind = Kind.EXPANDED
    extreme: ClassVar[str]
    worst: ClassVar[float]  # what NaN counts as
    vjp = NotDifferentiable("a position is a step")

    def numbers(self, x: np.ndarray) -> np.ndarray:
        """``x`` without NaN."""
        if x.dtype.kind != "f":
            return x
        return np.where(np.isnan(x), np.asarray(self.worst, x.dtype), x)

    def infer_type(self, x: TensorType) -> TensorType:
        if self.dtype not in INTEGER:
            raise DTypeMismatch(f"positions must be integer, got {self.dtype}")
        result = super().infer_type(x)
        if x.shape is None:
            return TensorType(self.dtype, None)
        (axis,) = self.axes(x)
        if not at_most(1, x.shape[axis], f"element 0 inside axis {axis}"):
            raise Mismatch(f"axis {axis} is empty", x=x)
        return result.with_dtype(self.dtype)

    def expand(self, b: Any, x: Any) -> Any:
        (axis,) = self.axes(x.type)
        size = x.type.dims[axis]
        narrow = isinstance(size, int) and size <= int32.max
        places = b.axis_position(shape=x.type.dims, axis=axis, dtype=int32 if narrow else int64)
        if x.dtype.is_floating:
            x = b.where(b.is_nan(x), b.tensor(self.worst, like=x), x)
        hit = b.equal(x, getattr(b, self.extreme)(x, axis=(axis,), keepdims=True))
        beyond = b.tensor(places.dtype.max, like=places)
        first = b.reduce_min(b.where(hit, places, beyond), axis=(axis,), keepdims=False)
        return first if first.dtype is self.dtype else b.cast(first, dtype=self.dtype)


POSITIONS = [
    Sample("float32[3, 4]", axis=1),
    Sample("float32[3, 4]"),
    Sample("float64[2, 3, 4]", axis=-2),
    Sample("float16[5]"),
    Sample("int32[3, 4]", axis=1, low=-2, high=2),
    Sample("float32[2, 3]", axis=1, values={0: [1, 3, 3, 0, 0, -1]}, dtype=INTEGER[2]),
    Sample("float32[2, 3]", axis=1, values={0: [9, np.nan, np.nan, -np.inf, -np.inf, -np.inf]}),
    Sample("float32[2, 2]", axis=1, values={0: [np.nan, np.nan, np.nan, 5]}),
    Sample("float32[0, 3]", axis=1),
    Refuses("float32[0, 3]", "axis 0 is empty", axis=0),
    Refuses("bool[2]", "x must be numeric, got bool[2]"),
    Refuses("float32[2]", "axis 1 is out of range for rank 1", axis=1),
    Refuses("float32[2]", "positions must be integer, got float32", dtype=float32),
]  # fmt: skip


class ArgMax(Position):
    """``y``: where along ``axis`` the first largest element is; 0 where all are NaN."""

    name = "argmax"
    extreme = "reduce_max"
    worst = -np.inf

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.argmax(self.numbers(x), axis=self.axis).astype(self.dtype.numpy)

    samples = POSITIONS


class ArgMin(Position):
    """``y``: where along ``axis`` the first smallest element is; 0 where all are NaN."""

    name = "argmin"
    extreme = "reduce_min"
    worst = np.inf

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.argmin(self.numbers(x), axis=self.axis).astype(self.dtype.numpy)

    samples = POSITIONS
