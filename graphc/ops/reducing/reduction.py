"""Reductions over axes: sums, products, extremes, positions; and what undoes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from graphc.ir import dims
from graphc.ir.builder import composite
from graphc.ir.dims import Dim, Shape
from graphc.ir.dtype import COMPLEX, FLOATING, REAL, DType, bool_, float32
from graphc.ir.op import Kind, NotDifferentiable, Op, Reduce, Refuses, Sample, describe
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, same_dim
from graphc.ops.elementwise.arithmetic import RealDiv
from graphc.ops.elementwise.division import TruncateDiv
from graphc.ops.running.precision import in_float32, in_float64


def resolve_axes(axis: int | Iterable[int] | None, x: TensorType) -> tuple[int, ...]:
    """The axes of ``x`` (of known rank) that ``axis`` names, ascending; None names all."""
    rank = len(x.shape or ())
    if axis is None:
        return tuple(range(rank))
    given = (axis,) if isinstance(axis, int) else tuple(axis)
    resolved = [k + rank if k < 0 else k for k in given]
    for asked, k in zip(given, resolved, strict=True):
        if not 0 <= k < rank:
            raise Mismatch(f"axis {asked} is out of range for rank {rank}", x=x)
    if len(set(resolved)) < len(resolved):
        raise Mismatch(f"axis {list(given)} names an axis twice", x=x)
    return tuple(sorted(resolved))


def reduced_shape(shape: Shape, axes: tuple[int, ...], keepdims: bool) -> Shape:
    if keepdims:
        return tuple(1 if k in axes else d for k, d in enumerate(shape))
    return tuple(d for k, d in enumerate(shape) if k not in axes)


class AxisOp(Op, abstract=True):
    """Folds the axes of ``axis`` (None: all) of ``x``; ``keepdims`` leaves them as size 1."""

    operands = ("x",)
    attributes = {"axis": None, "keepdims": False}
    dtypes: ClassVar[tuple[DType, ...]] = REAL

    def axes(self, x: TensorType) -> tuple[int, ...]:
        return resolve_axes(self.axis, x)

    def infer_type(self, x: TensorType) -> TensorType:
        if x.dtype not in self.dtypes:
            raise DTypeMismatch(f"x must be {describe(self.dtypes)}, got {x}")
        if x.shape is None:
            return TensorType(x.dtype, () if self.axis is None and not self.keepdims else None)
        return x.with_shape(reduced_shape(x.shape, self.axes(x), self.keepdims))

    def spread(self, b: Any, value: Any, x: Any, mean: bool = False) -> Any:
        """A tensor of the reduced shape, over the shape of ``x`` again."""
        return b.broadcast_like(value, x, axis=self.axis, keepdims=self.keepdims, mean=mean)


class Reduction(AxisOp, abstract=True):
    """An :class:`AxisOp` that folds with one word of the vocabulary, from an initial value."""

    kind = Kind.REDUCTION
    reduction: ClassVar[Reduce]

    def cost(self, *types: TensorType) -> int:
        return 1


SHAPES: list[Sample | Refuses] = [
    Sample("float32[3, 4]", axis=1),
    Sample("float32[3, 4]", axis=0, keepdims=True),
    Sample("float64[2, 3, 4]", axis=(0, -1)),
    Sample("float64[5]"),
    Sample("float32[]"),
    Sample("float32[3, 4]", axis=()),
    Sample("float16[2, 3]", axis=-1),
    Sample("bfloat16[2, 5]", axis=1),
    Sample("float32[3, 1]", axis=1),
]
AXIS_REFUSALS: list[Sample | Refuses] = [
    Refuses("float32[2, 3]", "axis 2 is out of range for rank 2", axis=2),
    Refuses("float32[2, 3]", "axis [0, -2] names an axis twice", axis=(0, -2)),
]
ROWS = [*SHAPES, *AXIS_REFUSALS, Refuses("bool[2]", "x must be numeric, got bool[2]")]
FLOATING_ROWS = [
    *SHAPES,
    *AXIS_REFUSALS,
    Refuses("int32[2]", "x must be floating, got int32[2]"),
]
PLANE: list[Sample | Refuses] = [
    Sample("complex64[3, 2]", axis=0),
    Sample("complex64[3, 20]", axis=1, keepdims=True, tolerance=4),
    Sample("complex128[2, 3, 4]", axis=(0, 2)),
    Sample("complex64[]"),
    Sample("complex64[3, 0]", axis=1, gradient=False),
]
NAN_ROW = Sample("float32[2, 3]", axis=1, values={0: [1, np.nan, 2, -np.inf, 0, 3]}, gradient=False)


class Sum(Reduction):
    """``y``: the sum over the axes; 0 over none.  Half precision accumulates in float32."""

    name = "reduce_sum"
    dtypes = REAL + COMPLEX
    linear = True
    reduction = Reduce(0, "accumulate")

    @in_float64
    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.sum(x, axis=self.axis, keepdims=self.keepdims, dtype=x.dtype)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [self.spread(b, ct, x)]

    def dims_value(self, x: Any) -> Any:
        if not isinstance(x, tuple) or None in x or self.keepdims:
            return None
        return sum(x)

    samples = [
        *ROWS,
        NAN_ROW,
        Sample("int32[3, 4]", axis=1),
        *PLANE,
        Sample("float32[0, 3]", axis=0),
        Sample("float32[3, 0]", axis=0),
    ]


class Prod(Reduction):
    """``y``: the product over the axes; 1 over none.

    First and second derivatives are exact, whatever zeros are among the factors.
    """

    name = "reduce_prod"
    dtypes = REAL + COMPLEX
    holomorphic = True
    reduction = Reduce(1, "accumulate_mul")

    @in_float64
    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.prod(x, axis=self.axis, keepdims=self.keepdims, dtype=x.dtype)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        zero, one = b.tensor(0, like=x), b.tensor(1, like=x)
        is_zero = b.equal(x, zero)
        safe = b.where(is_zero, one, x)
        zeros = b.reduce_sum(b.cast(is_zero, dtype=x.dtype), axis=self.axis, keepdims=self.keepdims)
        others = b.reduce_prod(safe, axis=self.axis, keepdims=self.keepdims)
        # Of two zeros, each one's derivative is the other times the rest: that is 0, but its own
        # derivative is not.  The other of two is their sum less the one.
        total = b.reduce_sum(b.where(is_zero, x, zero), axis=self.axis, keepdims=self.keepdims)
        other = b.mul(self.spread(b, others, x), b.sub(self.spread(b, total, x), x))
        single, pair = b.equal(zeros, one), b.equal(zeros, b.tensor(2, like=x))
        at_pair = b.where(self.spread(b, pair, x), other, zero)
        at_zero = b.where(self.spread(b, single, x), self.spread(b, others, x), at_pair)
        elsewhere = b.realdiv(self.spread(b, b.mul(ct, y), x), safe)
        return [b.where(is_zero, b.mul(self.spread(b, ct, x), at_zero), elsewhere)]

    def dims_value(self, x: Any) -> Any:
        if not isinstance(x, tuple) or None in x or self.keepdims:
            return None
        return dims.product(x)

    samples = [
        *ROWS,
        NAN_ROW,
        Sample("int32[3, 4]", axis=1),
        Sample("float32[0, 3]", axis=0),
        Sample("float64[2, 3]", axis=1, values={0: [0, 2, 3, 4, 0, -1]}),
        Sample("float64[3, 4]", axis=1, values={0: [0, 2, 0, 3, 0, 0, 0, 4, 0, 5, 1, 0]}),
        *PLANE,
        Sample("complex64[3, 2]", axis=1, values={0: [0, 2j, 1, 1 - 1j, 0, 0]}),
    ]


class Extreme(Reduction, abstract=True):
    """The largest or smallest element; equal ones share its gradient, as in TF1."""

    idempotent = True

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        chosen = b.cast(b.equal(x, self.spread(b, y, x)), dtype=x.dtype)
        count = b.reduce_sum(chosen, axis=self.axis, keepdims=self.keepdims)
        return [b.mul(chosen, self.spread(b, b.realdiv(ct, count), x))]


def _lowest(dtype: np.dtype) -> Any:
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def _highest(dtype: np.dtype) -> Any:
    return np.inf if dtype.kind == "f" else np.iinfo(dtype).max


EXTREMES = [
    *ROWS,
    NAN_ROW,
    Sample("int32[3, 4]", axis=1, low=-50, high=50),
    Sample("uint8[4]", low=0, high=9),
    Sample("float32[0, 3]", axis=0, gradient=False),
    Sample("int32[0, 3]", axis=0),
]


class Max(Extreme):
    """``y``: the largest over the axes, NaN if one is; ``-inf`` (the least integer) over none."""

    name = "reduce_max"
    reduction = Reduce("lowest", "maximum")

    def reference(self, x: np.ndarray) -> np.ndarray:
        lowest: Any = np.asarray(_lowest(x.dtype), x.dtype)
        return np.max(x, axis=self.axis, keepdims=self.keepdims, initial=lowest)

    samples = EXTREMES


class Min(Extreme):
    """``y``: the smallest over the axes, NaN if one is; ``inf`` (the largest integer) over none."""

    name = "reduce_min"
    reduction = Reduce("highest", "minimum")

    def reference(self, x: np.ndarray) -> np.ndarray:
        highest: Any = np.asarray(_highest(x.dtype), x.dtype)
        return np.min(x, axis=self.axis, keepdims=self.keepdims, initial=highest)

    samples = EXTREMES


BOOL_ROWS = [
    Sample("bool[3, 4]", axis=1),
    Sample("bool[3, 4]", axis=0, keepdims=True),
    Sample("bool[2, 2]", values={0: [True, True, True, False]}, axis=1),
    Sample("bool[]"),
    Sample("bool[0, 3]", axis=0),
    Refuses("float32[2]", "x must be bool, got float32[2]"),
    Refuses("bool[2]", "axis 1 is out of range for rank 1", axis=1),
]


class All(Reduction):
    """``y``: whether every element over the axes is True."""

    name = "reduce_all"
    dtypes = (bool_,)
    vjp = NotDifferentiable("its output is bool")
    reduction = Reduce(True, "logical_and")

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(np.all(x, axis=self.axis, keepdims=self.keepdims))

    samples = BOOL_ROWS


class Any_(Reduction):
    """``y``: whether some element over the axes is True."""

    name = "reduce_any"
    dtypes = (bool_,)
    vjp = NotDifferentiable("its output is bool")
    reduction = Reduce(False, "logical_or")

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(np.any(x, axis=self.axis, keepdims=self.keepdims))

    samples = BOOL_ROWS


Any_.__name__ = "Any"  # TF1's op type, which typing.Any has taken in this file


# --- reductions that are several ops ------------------------------------------------------------


def element_count(shape: Shape, axes: tuple[int, ...]) -> Dim:
    """How many elements the axes hold."""
    return dims.product(shape[k] for k in axes)


def _widened(b: Any, x: Any) -> Any:
    """Half precision in float32, where sums of many elements and their counts are finite."""
    return b.cast(x, dtype=x.dtype.computed) if x.dtype.computed is not x.dtype else x


def _as(b: Any, x: Any, dtype: DType) -> Any:
    return x if x.dtype is dtype else b.cast(x, dtype=dtype)


def _mean(x: np.ndarray, axis: Any, keepdims: bool) -> np.ndarray:
    total = np.sum(x, axis=axis, keepdims=keepdims, dtype=x.dtype)
    count = np.asarray(x.size // max(total.size, 1), x.dtype)
    if x.dtype.kind in "fc":
        return total / count
    return np.sign(total) * (np.abs(total) // count)


class Mean(AxisOp):
    """``y``: the mean over the axes (of integers, toward zero); NaN over none."""

    name = "reduce_mean"
    kind = Kind.EXPANDED
    dtypes = REAL + COMPLEX
    linear = True

    @in_float64
    def reference(self, x: np.ndarray) -> np.ndarray:
        return _mean(x, self.axis, self.keepdims)

    def expand(self, b: Any, x: Any) -> Any:
        wide = _widened(b, x)
        total = b.reduce_sum(wide, axis=self.axis, keepdims=self.keepdims)
        count = b.dim_value(dim=element_count(x.type.shape, self.axes(x.type)), dtype=wide.dtype)
        # the mean of no integers is 0, not a division by zero
        divide = RealDiv if x.dtype.is_differentiable else TruncateDiv
        return _as(b, b.apply(divide, (total, count), {}), x.dtype)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [self.spread(b, ct, x, mean=True)]

    samples = [
        *ROWS,
        NAN_ROW,
        Sample("int32[3, 4]", axis=1, low=-9, high=9),
        Sample("int32[3, 0]", axis=1),
        Sample("float32[3, 0]", axis=0),
        *PLANE,
    ]


class Variance(AxisOp):
    """``y``: the mean over the axes of the squared distance from the mean."""

    name = "reduce_variance"
    kind = Kind.EXPANDED
    dtypes = FLOATING

    @in_float64
    def reference(self, x: np.ndarray) -> np.ndarray:
        mean = _mean(x, self.axis, keepdims=True)
        return _mean(np.square(x - mean), self.axis, self.keepdims)

    def expand(self, b: Any, x: Any) -> Any:
        wide = _widened(b, x)
        mean = b.reduce_mean(wide, axis=self.axis, keepdims=True)
        distance = b.squared_difference(wide, mean)
        return _as(b, b.reduce_mean(distance, axis=self.axis, keepdims=self.keepdims), x.dtype)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        mean = b.reduce_mean(x, axis=self.axis, keepdims=True)
        slope = self.spread(b, b.mul(ct, 2), x, mean=True)
        return [b.mul(slope, b.sub(x, mean))]

    samples = FLOATING_ROWS


class ReduceLogsumexp(AxisOp):
    """``y = log(sum(exp(x)))`` over the axes; exact for large ``|x|``."""

    kind = Kind.EXPANDED
    dtypes = FLOATING
    transcendental = True

    @in_float64
    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.logaddexp.reduce(x, axis=_axis_tuple(self.axis, x.ndim), keepdims=self.keepdims)

    def expand(self, b: Any, x: Any) -> Any:
        wide = _widened(b, x)
        largest = b.reduce_max(wide, axis=self.axis, keepdims=True)
        # an infinite one would give inf - inf
        shift = b.where(b.is_finite(largest), largest, b.tensor(0, like=wide))
        total = b.reduce_sum(b.exp(b.sub(wide, shift)), axis=self.axis, keepdims=True)
        y = _as(b, b.add(b.log(total), shift), x.dtype)
        if self.keepdims:
            return y
        return b.reshape(y, shape=reduced_shape(x.type.shape, self.axes(x.type), False))

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(self.spread(b, ct, x), b.exp(b.sub(x, self.spread(b, y, x))))]

    samples = [
        *FLOATING_ROWS,
        Sample("float64[3, 4]", axis=1, low=-800, high=800),
        Sample("float32[2, 2]", axis=1, values={0: [-np.inf, -np.inf, np.inf, 0]}, gradient=False),
    ]


def _axis_tuple(axis: Any, rank: int) -> tuple[int, ...]:
    return resolve_axes(axis, TensorType(float32, (0,) * rank))


@composite
def moments(
    b: Any, x: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> tuple[Any, Any]:
    """The mean and the variance of ``x`` over the axes."""
    mean = b.reduce_mean(x, axis=axis, keepdims=keepdims, name=name and f"{name}/mean")
    variance = b.reduce_variance(x, axis=axis, keepdims=keepdims, name=name and f"{name}/variance")
    return mean, variance


# --- between a shape and its broadcast ----------------------------------------------------------


class SumTo(Op):
    """``x`` summed to the shape of ``like``, which broadcasts to the shape of ``x``."""

    operands = ("x", "like")
    kind = Kind.EXPANDED
    linear = True

    def infer_type(self, x: TensorType, like: TensorType) -> TensorType:
        if x.shape is None or like.shape is None:
            return x.with_shape(like.shape)
        if len(like.shape) > len(x.shape) or any(
            small != 1 and same_dim(large, small, f"axis {-1 - k}") is None
            for k, (large, small) in enumerate(zip(x.shape[::-1], like.shape[::-1], strict=False))
        ):
            raise Mismatch("like does not broadcast to x", x=x, like=like)
        return x.with_shape(like.shape)

    @in_float64
    def reference(self, x: np.ndarray, like: np.ndarray) -> np.ndarray:
        shape = (1,) * (x.ndim - like.ndim) + like.shape
        axes = tuple(k for k in range(x.ndim) if shape[k] == 1)
        return np.sum(x, axis=axes, dtype=x.dtype).reshape(like.shape)

    def expand(self, b: Any, x: Any, like: Any) -> Any:
        shape, target = x.type.shape, like.type.shape
        leading = len(shape) - len(target)
        stretched = tuple(
            k for k in range(leading, len(shape)) if target[k - leading] == 1 and shape[k] != 1
        )
        if not leading and not stretched:
            return x
        axes = (*range(leading), *stretched)
        total = b.reduce_sum(x, axis=axes, keepdims=not leading)
        return b.reshape(total, shape=target) if leading and stretched else total

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, like: Any) -> list:
        return [b.broadcast_like(ct, x), None]

    samples = [
        Sample("float32[3, 4]", "float32[4]"),
        Sample("float32[3, 4]", "float32[3, 1]"),
        Sample("float64[2, 3, 4]", "float64[1, 4]"),
        Sample("float64[2, 3]", "float64[]"),
        Sample("float32[3, 4]", "float32[3, 4]"),
        Sample("float16[3, 1]", "float16[1]"),
        Sample("float32[0, 2]", "float32[2]"),
        Refuses("float32[3]", "float32[2]", "like does not broadcast to x"),
        Refuses("float32[3]", "float32[2, 3]", "like does not broadcast to x"),
    ]


class BroadcastLike(Op):
    """``x`` broadcast to the shape of ``like``, undoing a reduction of ``like``'s axes ``axis``.

    Axes that the reduction dropped (``keepdims`` False) come back as size 1 first.  With ``mean``
    the result is also divided by the number of elements each one of ``x`` becomes.
    """

    operands = ("x", "like")
    attributes = {"axis": (), "keepdims": False, "mean": False}
    kind = Kind.EXPANDED
    linear = True

    def infer_type(self, x: TensorType, like: TensorType) -> TensorType:
        if x.shape is None or like.shape is None:
            return x.with_shape(like.shape)
        shape = self._aligned(x, like)
        offset = len(like.shape) - len(shape)
        if offset < 0 or any(
            d != 1 and same_dim(like.shape[offset + k], d, f"axis {k - len(shape)}") is None
            for k, d in enumerate(shape)
        ):
            raise Mismatch("x does not broadcast to like", x=x, like=like)
        return x.with_shape(like.shape)

    def _aligned(self, x: TensorType, like: TensorType) -> Shape:
        """The shape of ``x`` with the dropped axes back."""
        shape, rank = x.shape or (), len(like.shape or ())
        axes = resolve_axes(self.axis, like)
        if self.keepdims or not axes or len(axes) == rank:
            return shape
        if len(shape) + len(axes) != rank:
            raise Mismatch("x is not like with axes dropped", x=x, like=like)
        kept = iter(shape)
        return tuple(1 if k in axes else next(kept) for k in range(rank))

    def _times(self, shape: Shape, like: Shape) -> Dim:
        """How many elements each of ``x`` becomes."""
        padded = (1,) * (len(like) - len(shape)) + tuple(shape)
        return dims.product(n for n, d in zip(like, padded, strict=True) if d == 1)

    @in_float32
    def reference(self, x: np.ndarray, like: np.ndarray) -> np.ndarray:
        shape = self._aligned(TensorType(float32, x.shape), TensorType(float32, like.shape))
        spread = np.broadcast_to(x.reshape(shape), like.shape)
        if self.mean:
            spread = spread / np.asarray(self._times(shape, like.shape), x.dtype)
        return np.array(spread)

    def expand(self, b: Any, x: Any, like: Any) -> Any:
        target = like.type.shape
        shape = self._aligned(x.type, like.type)
        if self.mean:
            wide = _widened(b, x)
            count = b.dim_value(dim=self._times(shape, target), dtype=wide.dtype)
            x = _as(b, b.realdiv(wide, count), x.dtype)
        if shape != x.type.shape:
            x = b.reshape(x, shape=shape)
        return x if shape == target else b.broadcast_to(x, shape=target)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, like: Any) -> list:
        if self.axis == ():
            return [b.sum_to(ct, x), None]
        fold = b.reduce_mean if self.mean else b.reduce_sum
        return [fold(ct, axis=self.axis, keepdims=self.keepdims), None]

    samples = [
        Sample("float32[4]", "float32[3, 4]"),
        Sample("float64[]", "float64[3, 4]"),
        Sample("float64[3]", "float64[3, 4]", axis=1),
        Sample("float64[2, 1, 4]", "float64[2, 3, 4]", axis=1, keepdims=True, mean=True),
        Sample("float64[3]", "float64[2, 3, 4]", axis=(0, -1), mean=True),
        Sample("float32[]", "float32[3, 4]", axis=None, mean=True),
        Sample("float16[3]", "float16[3, 2]", axis=1, mean=True),
        Sample("float32[3]", "float32[3, 0]", axis=1),
        Refuses("float32[3]", "float32[4]", "x does not broadcast to like"),
        Refuses("float32[3]", "float32[2, 3, 4]", "x is not like with axes dropped", axis=1),
    ]


@composite
def reduce_std(
    b: Any, x: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    """The square root of the variance over the axes."""
    return b.sqrt(b.reduce_variance(x, axis=axis, keepdims=keepdims), name=name)
