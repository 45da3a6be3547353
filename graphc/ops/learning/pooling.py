"""The largest and the mean of windows that slide over pictures, and what their gradients need.

A picture is ``[n, *sizes, channels]`` with one to three sizes.  ``window`` and ``strides`` have one
number per size; with ``same`` there are ``size / stride`` windows (rounded up) along an axis, and
those at the borders reach over them: what lies outside is not there, not zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from graphc.ir.dims import Dim
from graphc.ir.dtype import FLOATING, REAL, float32, float64, int32, uint8
from graphc.ir.op import REQUIRED, Kind, NotDifferentiable, Op, Refuses, Sample, describe
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, same_dim
from graphc.ops.running.precision import in_float32
from graphc.ops.shaping.patches import window_places

WIDE = (float32, float64)


class Windows(Op, abstract=True):
    """Windows over a picture: the geometry that these ops share."""

    attributes = {"window": REQUIRED, "strides": REQUIRED, "same": REQUIRED}
    kind = Kind.OPAQUE

    def how(self) -> dict[str, Any]:
        """The attributes that say where windows are."""
        return {"window": self.window, "strides": self.strides, "same": self.same}

    def places(self, x: TensorType) -> list[tuple[Dim, Dim]]:
        """(how many windows, what stands before the first) along each axis of the picture ``x``."""
        rows = zip(x.dims[1:-1], self.window, self.strides, strict=True)
        return [window_places(size, w, s, 1, self.same) for size, w, s in rows]

    def windows_of(self, x: TensorType) -> tuple[Dim, ...] | None:
        """The shape of one number per window and channel of the picture ``x``."""
        if len(self.window) != len(self.strides):
            raise Mismatch("window and strides need as many numbers")
        if min(*self.window, *self.strides) < 1:
            raise Mismatch("windows and strides are at least 1")
        if x.shape is None:
            return None
        rank = len(self.window) + 2
        if len(x.shape) != rank:
            raise Mismatch(f"x must be of rank {rank}, its rank is {len(x.shape)}", x=x)
        return (x.shape[0], *(count for count, _ in self.places(x)), x.shape[-1])

    def empty(self, x: np.ndarray) -> np.ndarray:
        """For NumPy: zeros, one per window and channel."""
        shape: Any = self.windows_of(TensorType(float32, x.shape))
        return np.zeros(shape, x.dtype)

    def each_window(self, shape: tuple[int, ...]) -> Iterator[tuple[tuple, tuple, list[int]]]:
        """For NumPy: index of a window, of its pixels, and the numbers of these in the window."""
        places = self.places(TensorType(float32, shape))
        for at in np.ndindex(*(count for count, _ in places)):
            parts, kept = [], []
            axes = zip(at, places, shape[1:-1], self.window, self.strides, strict=True)
            for k, (_, front), size, window, stride in axes:
                first = k * stride - front
                inside = slice(max(first, 0), min(first + window, size))
                parts.append(inside)
                kept.append(range(inside.start - first, inside.stop - first))
            grid = np.ravel_multi_index(np.meshgrid(*kept, indexing="ij"), self.window)
            yield (slice(None), *at), (slice(None), *parts), grid.ravel().tolist()


def pixels_of(x: np.ndarray, inside: tuple) -> np.ndarray:
    """A window's pixels as one axis: [n, pixels, channels]."""
    part = x[inside]
    return part.reshape(part.shape[0], math.prod(part.shape[1:-1]), part.shape[-1])


class Fold(Windows, abstract=True):
    """One number per window and channel."""

    operands = ("x",)
    dtypes = REAL

    def infer_type(self, x: TensorType) -> TensorType:
        if x.dtype not in self.dtypes:
            raise DTypeMismatch(f"x must be {describe(self.dtypes)}, got {x}")
        return x.with_shape(self.windows_of(x))


class MaxPool(Fold):
    """The largest of each window; NaN where there is one."""

    def reference(self, x: np.ndarray) -> np.ndarray:
        y = self.empty(x)
        for at, inside, _ in self.each_window(x.shape):
            y[at] = pixels_of(x, inside).max(axis=1)
        return y

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.pooling import MAXIMUM, lower_fold

        return lower_fold(node, MAXIMUM, _lowest(node.outputs[0].type.dtype))

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        """To the first of the largest pixels of each window."""
        chosen = b.first_maximum(x, y, **self.how())
        wide = _widened(b, ct)
        return [_as(b, b.to_chosen(wide, chosen, shape=x.type.shape, **self.how()), ct)]

    samples = [
        Sample("float32[2, 4, 6, 3]", window=(2, 2), strides=(2, 2), same=False),
        Sample("float64[1, 5, 5, 2]", window=(3, 3), strides=(2, 2), same=True),
        Sample("float64[1, 5, 4, 2]", window=(3, 2), strides=(1, 1), same=True),
        Sample("float64[2, 7, 2]", window=(3,), strides=(2,), same=False),
        Sample("float32[1, 3, 4, 3, 2]", window=(2, 2, 2), strides=(1, 2, 1), same=True),
        Sample("float32[1, 7, 7, 2]", window=(5, 5), strides=(2, 3), same=True),
        Sample("float16[1, 4, 4, 1]", window=(2, 2), strides=(2, 2), same=True),
        Sample("bfloat16[1, 3, 3, 2]", window=(2, 2), strides=(1, 1), same=True),
        Sample("int32[1, 4, 3, 2]", low=-9, high=9, window=(2, 2), strides=(2, 2), same=True),
        Sample("uint8[1, 3, 3, 1]", low=0, high=9, window=(3, 1), strides=(1, 2), same=False),
        Sample("float32[0, 3, 3, 1]", window=(2, 2), strides=(2, 2), same=False),
        Sample("float32[1, 2, 2, 1]", window=(3, 3), strides=(1, 1), same=False),
        Sample("float32[1, 1, 6, 1]", window=(1, 3), strides=(1, 2), same=True, gradient=False,
               values={0: [[[[-np.inf], [np.nan], [1], [2], [-np.inf], [-np.inf]]]]}),
        Refuses("bool[1, 2, 2, 1]", "x must be numeric, got bool[1, 2, 2, 1]", window=(1, 1),
                strides=(1, 1), same=False),
        Refuses("float32[3, 3]", "x must be of rank 4, its rank is 2", window=(1, 1),
                strides=(1, 1), same=True),
        Refuses("float32[1, 3, 1]", "windows and strides are at least 1", window=(0,),
                strides=(1,), same=True),
    ]  # fmt: skip


class AvgPool(Fold):
    """The mean of each window's pixels inside the picture."""

    dtypes = FLOATING
    linear = True

    @in_float32
    def reference(self, x: np.ndarray) -> np.ndarray:
        y = self.empty(x)
        for at, inside, _ in self.each_window(x.shape):
            y[at] = pixels_of(x, inside).mean(axis=1)
        return y

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.pooling import MEAN, lower_fold

        return lower_fold(node, MEAN, 0)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        wide = _widened(b, ct)
        return [_as(b, b.share_out(wide, shape=x.type.shape, **self.how()), ct)]

    samples = [
        Sample("float32[2, 4, 6, 3]", window=(2, 2), strides=(2, 2), same=False),
        Sample("float64[1, 5, 5, 2]", window=(3, 3), strides=(2, 2), same=True),
        Sample("float64[1, 5, 4, 2]", window=(3, 2), strides=(1, 1), same=True),
        Sample("float64[2, 7, 2]", window=(3,), strides=(2,), same=False),
        Sample("float32[1, 3, 4, 3, 2]", window=(2, 2, 2), strides=(1, 2, 1), same=True),
        Sample("float32[1, 7, 7, 2]", window=(5, 5), strides=(2, 3), same=True),
        Sample("float16[1, 4, 5, 2]", window=(2, 2), strides=(2, 2), same=True),
        Sample("bfloat16[1, 3, 3, 2]", window=(2, 2), strides=(1, 1), same=True),
        Sample("float32[0, 3, 3, 1]", window=(2, 2), strides=(2, 2), same=False),
        Sample("float64[1, 5, 1]", window=(1,), strides=(3,), same=True),
        Refuses("int32[1, 2, 1]", "x must be floating, got int32[1, 2, 1]", window=(1,),
                strides=(1,), same=False),
    ]  # fmt: skip


class FirstMaximum(Windows):
    """Where in its window the first pixel is that equals ``y`` (or is NaN): its number, row by row.

    ``y`` is :class:`MaxPool` of ``x``.
    """

    operands = ("x", "y")
    vjp = NotDifferentiable("a position is a step")

    def infer_type(self, x: TensorType, y: TensorType) -> TensorType:
        dtype = uint8 if math.prod(self.window) <= uint8.max + 1 else int32
        return TensorType(dtype, _agreed(self.windows_of(x), x=x, y=y))

    def reference(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        dtype = np.uint8 if math.prod(self.window) <= 256 else np.int32
        chosen = np.zeros(y.shape, dtype)
        for at, inside, numbers in self.each_window(x.shape):
            pixels = pixels_of(x, inside)
            hit = (pixels == y[at][:, None]) | (pixels != pixels)
            chosen[at] = np.where(hit.any(axis=1), np.array(numbers)[hit.argmax(axis=1)], 0)
        return chosen

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.pooling import FIRST, FIRST_WHOLE, lower_fold

        floating = node.operands[0].type.dtype.is_floating
        return lower_fold(node, FIRST if floating else FIRST_WHOLE, 0)

    samples = [
        Sample("float32[1, 2, 4, 1]", "float32[1, 1, 2, 1]", window=(2, 2), strides=(2, 2),
               same=False, values={0: [[[[1], [2], [0], [0]], [[2], [2], [0], [-1]]]],
                                   1: [[[[2], [0]]]]}),
        Sample("float64[1, 3, 2]", "float64[1, 3, 2]", window=(3,), strides=(1,), same=True,
               values={0: [[[0, 1], [0, 2], [0, np.nan]]],
                       1: [[[0, 2], [0, np.nan], [0, np.nan]]]}),
        Sample("int32[1, 17, 17, 1]", "int32[1, 1, 1, 1]", window=(17, 17), strides=(1, 1),
               same=False, low=0, high=3, values={1: [[[[2]]]]}),
        Sample("float16[1, 2, 2]", "float16[1, 2, 2]", window=(1,), strides=(1,), same=True),
        Refuses("float32[1, 4, 1]", "float32[1, 3, 1]", "y must have one number per window",
                window=(2,), strides=(2,), same=True),
    ]  # fmt: skip


class ChosenPixel(Windows):
    """Of each window of ``x`` the pixel whose number ``chosen`` says; 0 where it lies outside."""

    operands = ("x", "chosen")
    linear = True

    def infer_type(self, x: TensorType, chosen: TensorType) -> TensorType:
        if x.dtype not in WIDE:
            raise DTypeMismatch(f"x must be float32 or float64, got {x}")
        return x.with_shape(_agreed(self.windows_of(x), x=x, chosen=chosen))

    def reference(self, x: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        y = np.zeros(chosen.shape, x.dtype)
        for at, inside, numbers in self.each_window(x.shape):
            hit = np.array(numbers)[:, None] == chosen[at][:, None]
            y[at] = np.where(hit, pixels_of(x, inside), 0).sum(axis=1)
        return y

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.pooling import CHOSEN, lower_fold

        return lower_fold(node, CHOSEN, 0)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, chosen: Any) -> list:
        return [b.to_chosen(ct, chosen, shape=x.type.shape, **self.how()), None]

    samples = [
        Sample("float32[1, 2, 4, 2]", "uint8[1, 1, 2, 2]", window=(2, 2), strides=(2, 2),
               same=False, values={1: [[[[1, 0], [3, 2]]]]}),
        Sample("float64[2, 5, 1]", "uint8[2, 3, 1]", window=(3,), strides=(2,), same=True,
               values={1: [[[1], [0], [1]], [[2], [2], [0]]]}),
        Sample("float32[1, 2, 1]", "uint8[1, 2, 1]", window=(17,), strides=(1,), same=True,
               values={1: [[[8], [7]]]}),
        Refuses("int32[1, 2, 1]", "uint8[1, 2, 1]", "x must be float32 or float64, got int32[1, 2, "
                "1]", window=(1,), strides=(1,), same=True),
    ]  # fmt: skip


class Spread(Windows, abstract=True):
    """What windows give to the pixels of a picture of ``shape``, added up window by window."""

    attributes = {**Windows.attributes, "shape": REQUIRED}
    linear = True

    def infer_type(self, x: TensorType, *chosen: TensorType) -> TensorType:
        if x.dtype not in WIDE:
            raise DTypeMismatch(f"x must be float32 or float64, got {x}")
        y = x.with_shape(self.shape)
        _agreed(self.windows_of(y), y=y, x=x, **dict(zip(self.operands[1:], chosen, strict=True)))
        return y


class ToChosen(Spread):
    """Each window's ``x`` added to its pixel with the number ``chosen``."""

    operands = ("x", "chosen")

    def reference(self, x: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        y = np.zeros(self.shape, x.dtype)
        for at, inside, numbers in self.each_window(self.shape):
            hit = np.array(numbers)[:, None] == chosen[at][:, None]
            y[inside] += np.where(hit, x[at][:, None], 0).reshape(y[inside].shape)
        return y

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.pooling import lower_spread

        return lower_spread(node, chosen=True)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, chosen: Any) -> list:
        return [b.chosen_pixel(ct, chosen, **self.how()), None]

    samples = [
        Sample("float32[1, 1, 2, 2]", "uint8[1, 1, 2, 2]", window=(2, 2), strides=(2, 2),
               same=False, shape=(1, 3, 4, 2), values={1: [[[[1, 0], [3, 2]]]]}),
        Sample("float64[2, 3, 1]", "uint8[2, 3, 1]", window=(3,), strides=(2,), same=True,
               shape=(2, 5, 1), values={1: [[[1], [0], [1]], [[2], [2], [0]]]}),
        Sample("float64[1, 2, 2, 2, 1]", "uint8[1, 2, 2, 2, 1]", window=(2, 2, 2), low=-1,
               strides=(1, 1, 1), same=True, shape=(1, 2, 2, 2, 1),
               values={1: [[[[[0], [1]], [[2], [3]]], [[[3], [2]], [[1], [0]]]]]}),
    ]  # fmt: skip


class ShareOut(Spread):
    """Each window's ``x`` divided among its pixels inside the picture: the transpose of
    :class:`AvgPool`."""

    operands = ("x",)

    def reference(self, x: np.ndarray) -> np.ndarray:
        y = np.zeros(self.shape, x.dtype)
        for at, inside, numbers in self.each_window(self.shape):
            share = (x[at] * (x.dtype.type(1) / x.dtype.type(len(numbers)))).astype(x.dtype)
            y[inside] += share.reshape(len(share), *(1 for _ in self.window), x.shape[-1])
        return y

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.pooling import lower_spread

        return lower_spread(node, chosen=False)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.avg_pool(ct, **self.how())]

    samples = [
        Sample("float32[1, 1, 2, 2]", window=(2, 2), strides=(2, 2), same=False,
               shape=(1, 3, 4, 2)),
        Sample("float64[2, 3, 1]", window=(3,), strides=(2,), same=True, shape=(2, 5, 1)),
        Sample("float64[1, 2, 2, 2, 1]", window=(2, 2, 2), strides=(1, 1, 1), same=True,
               shape=(1, 2, 2, 2, 1)),
        Refuses("float16[1, 2, 1]", "x must be float32 or float64, got float16[1, 2, 1]",
                window=(1,), strides=(1,), same=True, shape=(1, 2, 1)),
    ]  # fmt: skip


def _lowest(dtype: Any) -> float:
    return -np.inf if dtype.is_floating else dtype.min


def _widened(b: Any, x: Any) -> Any:
    """``x`` in the precision kernels compute in: storage types would round at every sum."""
    wide = x.dtype.computed
    return x if wide is x.dtype else b.cast(x, dtype=wide)


def _as(b: Any, x: Any, like: Any) -> Any:
    return x if x.dtype is like.dtype else b.cast(x, dtype=like.dtype)


def _agreed(shape: Any, **operands: TensorType) -> Any:
    """The shape of one number per window, which all operands but the first must have."""
    _, *others = operands.items()
    for name, type in others:
        if shape is None or type.shape is None:
            continue
        fits = len(shape) == len(type.shape) and all(
            same_dim(a, b, name) is not None for a, b in zip(shape, type.shape, strict=True)
        )
        if not fits:
            raise Mismatch(f"{name} must have one number per window", None, **operands)
    return shape
