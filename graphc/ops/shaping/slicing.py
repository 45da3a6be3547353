"""Taking parts of a tensor, and putting parts back: slices, padding, reversal, Python indexing.

A slice op holds resolved ``begin``, ``size`` and ``strides`` (symbolic sizes allowed);
``b.subscript`` turns Python's negative indices, steps, ``None`` and ``...`` into them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dims
from graphc.ir.builder import as_tensor, composite
from graphc.ir.dims import Dim
from graphc.ir.dtype import bool_, int64
from graphc.ir.op import REQUIRED, Kind, Op, Refuses, Sample
from graphc.ir.shape_values import dims_of
from graphc.ir.types import Mismatch, TensorType, same_dim
from graphc.ops.shaping.shape import at_most, resolve_axis


def element_or(
    e: Any, x: Any, index: tuple[Dim, ...], other: Any, whole: tuple[bool, ...], tests: Any = ()
) -> Any:
    """``x[index]`` where the index is inside ``x`` and none of ``tests`` holds, else ``other``.

    ``whole[k]`` says that the index along axis ``k`` needs no test of its own.
    """
    outside = None
    for test in tests:
        both = f"logical_or({outside}, {test})"
        outside = test if outside is None else e.let(both, bool_, outside, test)
    for position, size, never_leaves in zip(index, x.type.shape, whole, strict=True):
        if never_leaves:
            continue
        place, limit = e.position(position), e.number(size, int64)
        test = e.let(f"out_of_range({place}, {limit})", bool_, place, limit)
        if outside is not None:
            test = e.let(f"logical_or({outside}, {test})", bool_, outside, test)
        outside = test
    return x(*index) if outside is None else e.value_or(x, index, outside, other)


class Slice(Op):
    """``y[i] = x[begin + i]`` for ``size`` elements along each axis; size -1: all that follow."""

    operands = ("x",)
    attributes = {"begin": REQUIRED, "size": REQUIRED}
    kind = Kind.INJECTIVE
    linear = True

    def infer_type(self, x: TensorType) -> TensorType:
        if x.shape is None:
            return x if -1 in self.size else x.with_shape(self.size)
        if not len(self.begin) == len(self.size) == len(x.shape):
            raise Mismatch(f"begin and size need one number per axis of x ({len(x.shape)})", x=x)
        out = []
        for axis, (begin, size, n) in enumerate(zip(self.begin, self.size, x.shape, strict=True)):
            if size == -1:
                if not at_most(begin, n, f"begin {begin} inside axis {axis}"):
                    raise Mismatch(f"begin {begin} is outside axis {axis} of size {n}", x=x)
                size = n - begin
            negative = dims.lower_bound(-begin) > 0 or (isinstance(size, int) and size < 0)
            inside = f"{begin} to {begin + size} inside axis {axis}"
            if negative or not at_most(begin + size, n, inside):
                raise Mismatch(f"{begin} to {begin + size} is outside axis {axis} of size {n}", x=x)
            out.append(size)
        return x.with_shape(tuple(out))

    def reference(self, x: np.ndarray) -> np.ndarray:
        bounds = zip(self.begin, self.size, x.shape, strict=True)
        return x[tuple(slice(b, n if s == -1 else b + s) for b, s, n in bounds)]

    def element(self, e: Any, at: tuple[Dim, ...], x: Any) -> Any:
        return x(*(i + begin for i, begin in zip(at, self.begin, strict=True)))

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        bounds = zip(self.begin, y.type.shape, x.type.shape, strict=True)
        return [b.pad(ct, paddings=tuple((p, n - p - size) for p, size, n in bounds))]

    def dims_value(self, x: Any) -> Any:
        begin, size = self.begin[0], self.size[0]
        if not isinstance(x, tuple) or not isinstance(begin, int) or not isinstance(size, int):
            return None
        return x[begin:] if size == -1 else x[begin : begin + size]

    samples = [
        Sample("float32[3, 4]", begin=(1, 0), size=(2, 3)),
        Sample("float64[5]", begin=(2,), size=(-1,)),
        Sample("int32[2, 3]", begin=(0, 3), size=(2, 0)),
        Sample("float16[]", begin=(), size=()),
        Refuses("float32[3]", "2 to 4 is outside axis 0 of size 3", begin=(2,), size=(2,)),
        Refuses("float32[3]", "begin 4 is outside axis 0 of size 3", begin=(4,), size=(-1,)),
        Refuses("float32[1]", "0 to -2 is outside axis 0 of size 1", begin=(0,), size=(-2,)),
        Refuses(
            "float32[3]", "begin and size need one number per axis of x (1)", begin=(), size=()
        ),
    ]


class DynamicSlice(Op):
    """``y[i] = x[begin + i]`` with ``begin`` (one integer per axis) read when the graph runs."""

    operands = ("x", "begin")
    attributes = {"size": REQUIRED}
    kind = Kind.GATHER
    may_fail = True

    def infer_type(self, x: TensorType, begin: TensorType) -> TensorType:
        _check_begin(begin, len(self.size))
        if x.shape is not None:
            if len(x.shape) != len(self.size):
                raise Mismatch(f"size needs one number per axis of x ({len(x.shape)})", x=x)
            for axis, (size, n) in enumerate(zip(self.size, x.shape, strict=True)):
                if not at_most(size, n, f"size {size} inside axis {axis}"):
                    raise Mismatch(f"size {size} is more than axis {axis} of size {n}", x=x)
        return x.with_shape(self.size)

    def reference(self, x: np.ndarray, begin: np.ndarray) -> np.ndarray:
        _check_bounds(begin, self.size, x.shape)
        return x[tuple(slice(b, b + s) for b, s in zip(begin.tolist(), self.size, strict=True))]

    def element(self, e: Any, at: tuple[Dim, ...], x: Any, begin: Any) -> Any:
        axes = enumerate(zip(at, self.size, x.type.shape, strict=True))
        return x(*(i + e.index(begin(k), n - size + 1) for k, (i, size, n) in axes))

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, begin: Any) -> list:
        return [b.dynamic_unslice(ct, begin, shape=x.type.shape), None]

    samples = [
        Sample("float32[3, 4]", "int32[2]", values={1: [1, 2]}, size=(2, 2)),
        Sample("float64[5]", "int64[1]", values={1: [0]}, size=(5,)),
        Refuses("float32[3]", "float32[1]", "begin must be integer, got float32[1]", size=(1,)),
        Refuses("float32[3]", "int32[1]", "size 4 is more than axis 0 of size 3", size=(4,)),
    ]


class DynamicUnslice(Op):
    """Zeros of ``shape`` with ``x`` written at ``begin``: dynamic_slice undone."""

    operands = ("x", "begin")
    attributes = {"shape": REQUIRED}
    kind = Kind.GATHER
    may_fail = True

    def infer_type(self, x: TensorType, begin: TensorType) -> TensorType:
        _check_begin(begin, len(self.shape))
        return x.with_shape(self.shape)

    def reference(self, x: np.ndarray, begin: np.ndarray) -> np.ndarray:
        _check_bounds(begin, x.shape, self.shape)
        out = np.zeros(self.shape, x.dtype)
        out[tuple(slice(b, b + s) for b, s in zip(begin.tolist(), x.shape, strict=True))] = x
        return out

    def element(self, e: Any, at: tuple[Dim, ...], x: Any, begin: Any) -> Any:
        axes = enumerate(zip(at, x.type.shape, self.shape, strict=True))
        index = tuple(i - e.index(begin(k), n - size + 1) for k, (i, size, n) in axes)
        whole = tuple(size == n for size, n in zip(x.type.shape, self.shape, strict=True))
        return element_or(e, x, index, e.literal(0, x.type.dtype), whole)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, begin: Any) -> list:
        return [b.dynamic_slice(ct, begin, size=x.type.shape), None]

    samples = [
        Sample("float32[2, 2]", "int32[2]", values={1: [1, 2]}, shape=(3, 4)),
        Sample("float64[5]", "int64[1]", values={1: [0]}, shape=(5,)),
        Refuses("float32[3]", "float32[1]", "begin must be integer, got float32[1]", shape=(4,)),
    ]


def _check_begin(begin: TensorType, rank: int) -> None:
    if not begin.dtype.is_integer:
        raise Mismatch(f"begin must be integer, got {begin}", begin=begin)
    if begin.shape is None:
        return
    if len(begin.shape) != 1 or same_dim(begin.shape[0], rank, "begin") is None:
        raise Mismatch(f"begin needs one number per axis of x ({rank})", begin=begin)


def _check_bounds(begin: np.ndarray, sizes: tuple, shape: tuple) -> None:
    for axis, (first, size, n) in enumerate(zip(begin.tolist(), sizes, shape, strict=True)):
        if not 0 <= first <= n - size:
            raise InvalidArgumentError(
                f"begin[{axis}] = {first} is not in [0, {n - size + 1}): "
                f"{size} elements of an axis of size {n}"
            )


class StridedSlice(Op):
    """``y[i] = x[begin + i * strides]`` for ``size`` elements along each axis."""

    operands = ("x",)
    attributes = {"begin": REQUIRED, "size": REQUIRED, "strides": REQUIRED}
    kind = Kind.INJECTIVE
    linear = True

    def infer_type(self, x: TensorType) -> TensorType:
        if x.shape is not None:
            if len(x.shape) != len(self.size):
                raise Mismatch(f"takes an index for each of {len(self.size)} axes", x=x)
            for axis, (begin, size, n) in enumerate(
                zip(self.begin, self.size, x.shape, strict=True)
            ):
                what = f"index {begin} inside axis {axis}"
                if size == 1 and not (at_most(begin + 1, n, what) and at_most(0, begin, what)):
                    raise Mismatch(f"index {begin} is outside axis {axis} of size {n}", x=x)
        return x.with_shape(self.size)

    def reference(self, x: np.ndarray) -> np.ndarray:
        for axis, (begin, size, step) in enumerate(
            zip(self.begin, self.size, self.strides, strict=True)
        ):
            x = np.take(x, begin + step * np.arange(size), axis)
        return x

    def element(self, e: Any, at: tuple[Dim, ...], x: Any) -> Any:
        parts = zip(at, self.begin, self.strides, strict=True)
        return x(*(begin + step * i for i, begin, step in parts))

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        shape = x.type.shape
        if all(step == 1 for step in self.strides):
            bounds = zip(self.begin, self.size, shape, strict=True)
            return [b.pad(ct, paddings=tuple((p, n - p - size) for p, size, n in bounds))]
        return [b.strided_unslice(ct, begin=self.begin, strides=self.strides, shape=shape)]

    def dims_value(self, x: Any) -> Any:
        begin, size, step = self.begin[0], self.size[0], self.strides[0]
        if not isinstance(x, tuple) or not isinstance(begin, int) or not isinstance(size, int):
            return None
        return tuple(x[begin + step * k] for k in range(size))

    samples = [
        Sample("float32[5, 4]", begin=(1, 0), size=(2, 4), strides=(2, 1)),
        Sample("float64[5]", begin=(4,), size=(3,), strides=(-2,)),
        Sample("float32[4, 3]", begin=(0, 1), size=(4, 2), strides=(1, 1)),
        Sample("int32[3]", begin=(0,), size=(0,), strides=(1,)),
        Refuses(
            "float32[3]", "index 3 is outside axis 0 of size 3", begin=(3,), size=(1,), strides=(1,)
        ),
    ]


class StridedUnslice(Op):
    """Zeros of ``shape`` with ``x[i]`` at ``begin + i * strides``."""

    operands = ("x",)
    attributes = {"begin": REQUIRED, "strides": REQUIRED, "shape": REQUIRED}
    kind = Kind.INJECTIVE
    linear = True

    def infer_type(self, x: TensorType) -> TensorType:
        if x.shape is not None and len(x.shape) != len(self.shape):
            raise Mismatch(f"x needs {len(self.shape)} axes", x=x)
        return x.with_shape(self.shape)

    def reference(self, x: np.ndarray) -> np.ndarray:
        out = np.zeros(self.shape, x.dtype)
        parts = zip(self.begin, self.strides, x.shape, strict=True)
        out[np.ix_(*(begin + step * np.arange(size) for begin, step, size in parts))] = x
        return out

    def element(self, e: Any, at: tuple[Dim, ...], x: Any) -> Any:
        zero = e.literal(0, x.type.dtype)
        index: list[Dim] = []
        between: list[Any] = []
        for k, (i, begin, step) in enumerate(zip(at, self.begin, self.strides, strict=True)):
            size = x.type.shape[k]
            if step in (1, -1):
                index.append((i - begin) * step)
                continue
            offset = e.position((i - begin) * (1 if step > 0 else -1))
            stride, none = e.literal(abs(step), int64), e.literal(0, int64)
            quotient = e.let(f"floordiv({offset}, {stride})", int64, offset)
            remainder = e.let(f"floormod({offset}, {stride})", int64, offset)
            limit = e.number(size, int64)
            test = f"logical_or(ne({remainder}, {none}), out_of_range({quotient}, {limit}))"
            between.append(e.let(test, bool_, remainder, quotient, limit))
            index.append(e.clamp(quotient, size))
        whole = tuple(
            step not in (1, -1) or (step == 1 and size == n)
            for step, size, n in zip(self.strides, x.type.shape, self.shape, strict=True)
        )
        return element_or(e, x, tuple(index), zero, whole, between)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        size = x.type.shape
        return [b.strided_slice(ct, begin=self.begin, size=size, strides=self.strides)]

    samples = [
        Sample("float32[2, 4]", begin=(1, 0), strides=(2, 1), shape=(5, 4)),
        Sample("float64[3]", begin=(4,), strides=(-2,), shape=(5,)),
        Sample("float32[2, 3]", begin=(0, 2), strides=(3, -1), shape=(4, 3)),
        Refuses("float32[3]", "x needs 2 axes", begin=(0, 0), strides=(1, 1), shape=(3, 3)),
    ]


@composite
def slice_of(b: Any, x: Any, begin: Any, size: Any, name: str | None = None) -> Any:
    """``size`` elements from ``begin`` along every axis (-1: the rest); tensors may give both."""
    wanted = b.shape_argument(size)
    first = as_tensor(begin)
    if first is not None and dims_of(first) is None and -1 not in wanted:
        return b.dynamic_slice(x, first, size=wanted, name=name)
    return b.slice(x, begin=b.shape_argument(begin), size=wanted, name=name)


class Pad(Op):
    """``x`` with ``paddings[k] = (before, after)`` elements of ``value`` around axis ``k``."""

    operands = ("x",)
    attributes = {"paddings": REQUIRED, "value": 0}
    kind = Kind.INJECTIVE

    def infer_type(self, x: TensorType) -> TensorType:
        if any(len(pair) != 2 for pair in self.paddings):
            raise Mismatch("paddings are pairs (before, after)")
        for pair in self.paddings:
            if any(dims.lower_bound(-size) > 0 for size in pair):
                raise Mismatch(f"paddings cannot be negative, got {dims.format_shape(pair)}")
        if x.shape is None:
            return x
        if len(self.paddings) != len(x.shape):
            raise Mismatch(f"paddings need one pair per axis of x ({len(x.shape)})", x=x)
        pairs = zip(x.shape, self.paddings, strict=True)
        return x.with_shape(tuple(before + size + after for size, (before, after) in pairs))

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.pad(x, self.paddings, constant_values=self.value) if x.ndim else x

    def element(self, e: Any, at: tuple[Dim, ...], x: Any) -> Any:
        index = tuple(i - before for i, (before, _) in zip(at, self.paddings, strict=True))
        whole = tuple(pair == (0, 0) for pair in self.paddings)
        return element_or(e, x, index, e.literal(self.value, x.type.dtype), whole)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        begin = tuple(before for before, _ in self.paddings)
        return [b.slice(ct, begin=begin, size=x.type.shape)]

    samples = [
        Sample("float32[2, 3]", paddings=((1, 0), (0, 2))),
        Sample("float64[4]", paddings=((2, 1),), value=-1.5),
        Sample("int32[2]", paddings=((1, 1),), value=7),
        Sample("float32[2, 3]", paddings=((0, 0), (0, 0))),
        Refuses("float32[2]", "paddings need one pair per axis of x (1)", paddings=()),
        Refuses("float32[2]", "paddings cannot be negative, got [-1, 0]", paddings=((-1, 0),)),
    ]


class Reverse(Op):
    """``x`` with the order of elements turned round along each of ``axis``."""

    operands = ("x",)
    attributes = {"axis": REQUIRED}
    kind = Kind.INJECTIVE
    linear = True

    def infer_type(self, x: TensorType) -> TensorType:
        if x.shape is not None:
            resolved = [resolve_axis(axis, len(x.shape), x=x) for axis in self.axis]
            if len(set(resolved)) < len(resolved):
                raise Mismatch(f"axis {list(self.axis)} names an axis twice", x=x)
        return x

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.flip(x, self.axis)

    def element(self, e: Any, at: tuple[Dim, ...], x: Any) -> Any:
        turned = {axis % len(at) for axis in self.axis}
        sizes = zip(at, x.type.shape, strict=True)
        return x(*(n - 1 - i if k in turned else i for k, (i, n) in enumerate(sizes)))

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.reverse(ct, axis=self.axis)]

    samples = [
        Sample("float32[3, 4]", axis=(0,)),
        Sample("float64[2, 3]", axis=(0, -1)),
        Sample("int32[0]", axis=(0,)),
        Refuses("float32[3]", "axis 1 is outside a tensor of rank 1", axis=(1,)),
        Refuses("float32[3]", "axis [0, -1] names an axis twice", axis=(0, -1)),
    ]


class Tile(Op):
    """``x`` repeated ``multiples[k]`` times along axis ``k``."""

    operands = ("x",)
    attributes = {"multiples": REQUIRED}
    kind = Kind.EXPANDED
    linear = True

    def infer_type(self, x: TensorType) -> TensorType:
        if x.shape is None:
            return x
        if len(self.multiples) != len(x.shape):
            raise Mismatch(f"multiples need one number per axis of x ({len(x.shape)})", x=x)
        return x.with_shape(tuple(m * n for m, n in zip(self.multiples, x.shape, strict=True)))

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.tile(x, self.multiples)

    def _apart(self, shape: tuple, ones: bool) -> tuple:
        """Each axis as two: the copies, and the elements of one copy."""
        pairs = zip(self.multiples, shape, strict=True)
        return tuple(size for m, n in pairs for size in (1 if ones else m, n))

    def expand(self, b: Any, x: Any) -> Any:
        shape = x.type.shape
        apart = b.reshape(x, shape=self._apart(shape, ones=True))
        copies = b.broadcast_to(apart, shape=self._apart(shape, ones=False))
        whole = tuple(m * n for m, n in zip(self.multiples, shape, strict=True))
        return b.reshape(copies, shape=whole)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        shape = x.type.shape
        if not shape:
            return [ct]
        copies = b.reshape(ct, shape=self._apart(shape, ones=False))
        return [b.reduce_sum(copies, axis=tuple(range(0, 2 * len(shape), 2)))]

    samples = [
        Sample("float32[2, 3]", multiples=(2, 1)),
        Sample("float64[3]", multiples=(3,)),
        Sample("int32[2]", multiples=(0,)),
        Refuses("float32[3]", "multiples need one number per axis of x (1)", multiples=(2, 2)),
    ]
