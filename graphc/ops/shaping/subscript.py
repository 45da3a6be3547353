"""Python indexing: ``x[1:, ..., None, -1]``; scalar tensors may be indices and bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.errors import ShapeError
from graphc.ir import dims
from graphc.ir.builder import as_tensor, composite
from graphc.ir.dims import Dim, Expr
from graphc.ir.dtype import int64
from graphc.ir.op import REQUIRED, Kind, Op, Refuses, Sample
from graphc.ir.shape_values import dims_of
from graphc.ir.source import here
from graphc.ir.types import Mismatch, TensorType
from graphc.ops.shaping.shape import minimum

TITLE = "strided_slice"  # what TF1 calls the result of indexing


@dataclass(frozen=True)
class Region:
    """Resolved indices: a strided slice of every axis, then a reshape to ``shape``."""

    begin: tuple[Dim, ...]
    size: tuple[Dim, ...]
    strides: tuple[int, ...]
    shape: tuple[Dim, ...]

    @property
    def is_slice(self) -> bool:
        return all(step == 1 for step in self.strides)


def resolve(key: tuple, shape: tuple[Dim, ...]) -> Region:
    """What ``x[key]`` takes of an ``x`` of ``shape``; ``key`` is as :class:`Subscript` has it."""
    taken = sum(item[0] in ("index", "slice") for item in key)
    if taken > len(shape):
        raise Mismatch(f"{taken} indices for a tensor of rank {len(shape)}")
    if ("rest",) not in key:
        key = (*key, ("rest",))
    begin: list[Dim] = []
    size: list[Dim] = []
    strides: list[int] = []
    out: list[Dim] = []
    for item in key:
        axis = len(begin)
        if item[0] == "newaxis":
            out.append(1)
        elif item[0] == "rest":
            kept = shape[axis : axis + len(shape) - taken]
            begin += [0] * len(kept)
            size += kept
            strides += [1] * len(kept)
            out += kept
        elif item[0] == "index":
            begin.append(_position(item[1], shape[axis], axis))
            size.append(1)
            strides.append(1)
        else:
            _, start, stop, step = item
            first, count, step = _span(start, stop, step, shape[axis])
            begin.append(first)
            size.append(count)
            strides.append(step)
            out.append(count)
    return Region(tuple(begin), tuple(size), tuple(strides), tuple(out))


def _position(index: Dim, n: Dim, axis: int) -> Dim:
    position = index + n if dims.lower_bound(-index) > 0 else index
    if isinstance(position, int) and isinstance(n, int) and not 0 <= position < n:
        raise Mismatch(f"index {index} is outside axis {axis} of size {n}")
    return position


def _span(start: Dim | None, stop: Dim | None, step: int | None, n: Dim) -> tuple[Dim, Dim, int]:
    """First element, number of elements and step of a slice, clamped as Python clamps."""
    step = 1 if step is None else step
    if step == 0:
        raise Mismatch("a slice's step cannot be 0")
    if step > 0:
        # a start past the end needs no clamping: nothing is left then anyway
        first = 0
        if start is not None:
            far = isinstance(n, int) or dims.lower_bound(start) < 0
            first = _clamped(start, n, 0, n if far else start)
        last = n if stop is None else _clamped(stop, n, 0, n)
        count = dims.ceildiv(last - first, step)
    else:
        first = n - 1 if start is None else _clamped(start, n, -1, n - 1)
        last = -1 if stop is None else _clamped(stop, n, -1, n - 1)
        count = dims.ceildiv(first - last, -step)
    if dims.lower_bound(count) < 0:
        count = dims.maximum(count, 0)
    return first, count, step


def _clamped(bound: Dim, n: Dim, low: Dim, high: Dim) -> Dim:
    if isinstance(bound, int) and bound < 0:
        bound = bound + n
    bound = minimum(bound, high)
    return bound if dims.lower_bound(bound - low) >= 0 else dims.maximum(bound, low)


class Subscript(Op):
    """``x[key]`` where the rank of ``x`` is only known when the graph is compiled.

    Items of ``key``: ``("index", i)``, ``("slice", start, stop, step)``, ``("newaxis",)`` and
    ``("rest",)``, which is ``...``.
    """

    operands = ("x",)
    attributes = {"key": REQUIRED}
    kind = Kind.EXPANDED
    linear = True

    def infer_type(self, x: TensorType) -> TensorType:
        return x if x.shape is None else x.with_shape(resolve(self.key, x.shape).shape)

    def reference(self, x: np.ndarray) -> np.ndarray:
        region: Any = resolve(self.key, x.shape)
        for axis in range(x.ndim):
            steps = region.begin[axis] + region.strides[axis] * np.arange(region.size[axis])
            x = np.take(x, steps, axis)
        return x.reshape(region.shape)

    def expand(self, b: Any, x: Any) -> Any:
        return _take(b, x, resolve(self.key, x.type.shape), None)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        shape = x.type.shape
        if shape is None:
            return [b.unsubscript(ct, x, key=self.key)]
        region = resolve(self.key, shape)
        part = b.reshape(ct, shape=region.size)
        return [b.strided_unslice(part, begin=region.begin, strides=region.strides, shape=shape)]

    samples = [
        Sample("float32[3, 4]", key=(("index", 1),)),
        Sample("float32[3, 4]", key=(("rest",), ("index", -1))),
        Sample("float64[5, 2]", key=(("slice", None, None, -2), ("newaxis",))),
        Sample("float64[5]", key=(("slice", 1, -1, None),)),
        Refuses("float32[3]", "index 3 is outside axis 0 of size 3", key=(("index", 3),)),
        Refuses("float32[]", "1 indices for a tensor of rank 0", key=(("index", 0),)),
    ]


class Unsubscript(Op):
    """The gradient of :class:`Subscript`: ``part`` at ``x[key]`` of zeros like ``x``."""

    operands = ("part", "x")
    attributes = {"key": REQUIRED}
    kind = Kind.EXPANDED

    def infer_type(self, part: TensorType, x: TensorType) -> TensorType:
        return x.with_dtype(part.dtype)

    def reference(self, part: np.ndarray, x: np.ndarray) -> np.ndarray:
        region: Any = resolve(self.key, x.shape)
        found = np.zeros(x.shape, part.dtype)
        steps = [
            first + stride * np.arange(count)
            for first, stride, count in zip(region.begin, region.strides, region.size, strict=True)
        ]
        found[np.ix_(*steps)] = part.reshape(region.size)
        return found

    def expand(self, b: Any, part: Any, x: Any) -> Any:
        region = resolve(self.key, x.type.shape)
        return b.strided_unslice(
            b.reshape(part, shape=region.size),
            begin=region.begin, strides=region.strides, shape=x.type.shape,
        )  # fmt: skip

    def vjp(self, b: Any, ct: Any, y: Any, part: Any, x: Any) -> list:
        return [b.apply(Subscript, (ct,), {"key": self.key}), None]

    samples = [
        Sample("float32[4]", "float32[3, 4]", key=(("index", 1),)),
        Sample("float64[3]", "float64[3, 4]", key=(("rest",), ("index", -1))),
        Sample("float64[3, 1, 2]", "float64[5, 2]",
               key=(("slice", None, None, -2), ("newaxis",))),
    ]  # fmt: skip


@composite
def subscript(b: Any, x: Any, key: Any, name: str | None = None) -> Any:
    """``x[key]`` as Python and NumPy read it (basic indexing; scalar tensors may be indices)."""
    name = name or TITLE
    items = key if isinstance(key, tuple) else (key,)
    if sum(item is Ellipsis for item in items) > 1:
        raise ShapeError("an index can only have one '...'", site=here())
    if len(items) == 1 and as_tensor(items[0]) is not None and as_tensor(items[0]).dtype.is_bool:
        return b.boolean_mask(x, items[0], name=name)
    if x.type.shape is None:
        key = tuple(_item(b, item, None) for item in items)
        return b.apply(Subscript, (x,), {"key": key, "name": name})
    x, items = _gathered(b, x, list(items))
    spec, axis = [], 0
    for item in items:
        entry = _item(b, item, x.type.shape[axis] if axis < len(x.type.shape) else 0)
        spec.append(entry)
        if entry[0] == "rest":
            axis = len(x.type.shape) - _axes_used(items[len(spec) :])
        elif entry[0] != "newaxis":
            axis += 1
    try:
        region = resolve(tuple(spec), x.type.shape)
    except Mismatch as mismatch:
        raise ShapeError(
            mismatch.fact, rows=[("x", str(x.type), "")], subject="strided_slice", site=here()
        ) from None
    return _take(b, x, region, name)


def _axes_used(items: Sequence) -> int:
    return sum(item is not None and item is not Ellipsis for item in items)


def _gathered(b: Any, x: Any, items: list) -> tuple[Any, list]:
    """Indices that are tensors of unknown value, taken by gather; the items that are left."""
    axis, places = 0, []
    for k, item in enumerate(items):
        if item is Ellipsis:
            axis = len(x.type.shape) - _axes_used(items[k + 1 :])
        elif item is not None:
            tensor = as_tensor(item)
            if tensor is not None and dims_of(tensor) is None:
                places.append((k, axis, tensor))
            axis += 1
    for k, axis, tensor in reversed(places):
        if tensor.dtype.is_integer and tensor.type.shape is None:
            tensor = b.reshape(tensor, shape=())
        if not tensor.dtype.is_integer or tensor.type.shape != ():
            raise ShapeError(
                f"an index is a scalar integer, {tensor.name} is {tensor.type}",
                site=here(),
                hint="tf.gather takes several indices at once",
            )
        n = b.dim_value(dim=x.type.shape[axis], dtype=tensor.dtype)
        wrapped = b.where(b.less(tensor, 0), b.add(tensor, n), tensor)
        x = b.gather(x, wrapped, axis=axis)
        items = items[:k] + items[k + 1 :]
    return x, items


def _item(b: Any, item: Any, n: Dim | None) -> tuple:
    """One entry of a key, with its tensors as dims."""
    if item is None:
        return ("newaxis",)
    if item is Ellipsis:
        return ("rest",)
    if isinstance(item, slice):
        start, stop = _limit(b, item.start, n), _limit(b, item.stop, n)
        step = item.step if item.step is None else _known(item.step)
        if not (step is None or isinstance(step, int)):
            raise ShapeError("a slice's step must be known when the graph is built", site=here())
        return ("slice", start, stop, step)
    found = _known(item)
    if found is None:
        raise ShapeError(
            f"cannot index a tensor with {item!r}", site=here(),
            hint="an index is an int, a slice, None, ..., or a scalar integer tensor",
        )  # fmt: skip
    return ("index", found)


def _known(value: Any) -> Dim | None:
    """An int or dim for what Python or the graph knows; None for the rest."""
    if isinstance(value, Expr) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    tensor = as_tensor(value)
    if tensor is None:
        return value.__index__() if isinstance(value, np.integer) else None
    found = dims_of(tensor)
    if isinstance(found, tuple):
        return found[0] if len(found) == 1 else None
    return found


def _limit(b: Any, value: Any, n: Dim | None) -> Dim | None:
    """One end of a slice; a tensor of unknown value is clamped by the run and bound to a symbol."""
    if value is None:
        return None
    found = _known(value)
    if found is not None:
        return found
    tensor = as_tensor(value)
    if tensor is None or not tensor.dtype.is_integer or n is None:
        raise ShapeError(f"cannot slice a tensor with {value!r}", site=here())
    limit = b.cast(tensor, dtype=int64)
    size = b.dim_value(dim=n, dtype=int64)
    limit = b.where(b.less(limit, 0), b.add(limit, size), limit)
    return b.dim_argument(b.minimum(b.maximum(limit, 0), size))


def _take(b: Any, x: Any, region: Region, name: str | None) -> Any:
    shape = x.type.shape
    whole = region.size == shape and region.is_slice
    if whole and region.shape == shape:
        return b.identity(x, name=name)
    if whole:
        return b.reshape(x, shape=region.shape, name=name)
    how = {"begin": region.begin, "size": region.size, "strides": region.strides}
    if region.shape == region.size:
        return b.strided_slice(x, name=name, **how)
    if name is None:
        return b.reshape(b.strided_slice(x, **how), shape=region.shape)
    with b.home.name_scope(name) as scope:
        return b.reshape(b.strided_slice(x, **how), shape=region.shape, name=scope)
