"""Putting tensors together along an axis and taking them apart: stack, concatenate, split."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir import dims
from graphc.ir.builder import composite
from graphc.ir.dims import Dim
from graphc.ir.op import REQUIRED, Kind, Op, Refuses, Sample
from graphc.ir.types import Mismatch, TensorType, same_dim, same_dtype
from graphc.ops.shaping.shape import resolve_axis


def _named(op: Op, types: tuple[TensorType, ...]) -> dict[str, Any]:
    return dict(zip(op.operand_names(len(types)), types, strict=True))


def _one_shape(op: Op, types: tuple[TensorType, ...], apart_from: int | None) -> list[Dim] | None:
    """The sizes operands share (any at axis ``apart_from``); None where a rank is unknown."""
    named = _named(op, types)
    if any(t.shape is None for t in types):
        return None
    first_name, first = next(iter(named.items()))
    shared = list(first.shape or ())
    for name, type in named.items():
        if type.rank != first.rank:
            raise Mismatch("operands need one rank", **{first_name: first, name: type})
        for axis, size in enumerate(type.shape or ()):
            if axis == apart_from:
                continue
            met = same_dim(shared[axis], size, f"axis {axis}")
            if met is None:
                raise Mismatch(f"sizes differ along axis {axis}", **{first_name: first, name: type})
            shared[axis] = met
    return shared


class Pack(Op):
    """Operands of one shape stacked along a new axis ``axis``."""

    operands = ("*values",)
    attributes = {"axis": 0}
    kind = Kind.OPAQUE

    def infer_type(self, *values: TensorType) -> TensorType:
        if not values:
            raise Mismatch("takes at least one operand")
        dtype = same_dtype(**_named(self, values))
        shape = _one_shape(self, values, apart_from=None)
        if shape is None:
            return TensorType(dtype, None)
        axis = resolve_axis(self.axis, len(shape) + 1)
        return TensorType(dtype, (*shape[:axis], len(values), *shape[axis:]))

    def reference(self, *values: np.ndarray) -> np.ndarray:
        return np.stack(values, self.axis)

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.opaque import lower_join

        return lower_join(node, self.axis % len(node.outputs[0].type.shape))

    def vjp(self, b: Any, ct: Any, y: Any, *values: Any) -> list:
        return list(b.unstack(ct, axis=self.axis, num=len(values)))

    def dims_value(self, *values: Any) -> Any:
        return None if any(isinstance(v, tuple) for v in values) else tuple(values)

    samples = [
        Sample("float32[3, 4]", "float32[3, 4]"),
        Sample("float64[2]", "float64[2]", "float64[2]", axis=-1),
        Sample("float16[2, 3]", "float16[2, 3]", axis=1),
        Sample("int32[]", "int32[]", "int32[]"),
        Sample("float32[0]", "float32[0]"),
        Refuses("float32[3]", "float32[4]", "sizes differ along axis 0"),
        Refuses("float32[3]", "float32[]", "operands need one rank"),
        Refuses("float32[3]", "int32[3]", "dtypes of values[0] and values[1] differ"),
    ]


class Unpack(Op):
    """``num`` tensors, the slices of ``x`` along ``axis`` without that axis: pack undone."""

    operands = ("x",)
    attributes = {"num": REQUIRED, "axis": 0}
    kind = Kind.EXPANDED
    linear = True

    def infer_type(self, x: TensorType) -> tuple[TensorType, ...]:
        if x.shape is None:
            return (x,) * self.num
        axis = resolve_axis(self.axis, len(x.shape), x=x)
        if same_dim(x.shape[axis], self.num, f"axis {axis}") is None:
            raise Mismatch(f"axis {axis} has size {x.shape[axis]}, asked for {self.num} parts", x=x)
        return (x.with_shape(x.shape[:axis] + x.shape[axis + 1 :]),) * self.num

    def reference(self, x: np.ndarray) -> tuple:
        return tuple(np.moveaxis(x, self.axis, 0))

    def expand(self, b: Any, x: Any) -> tuple:
        axis = self.axis % len(x.type.shape)
        return tuple(b.squeeze(_part(b, x, axis, k, 1), axis=(axis,)) for k in range(self.num))

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.pack(*_filled(b, ct, y), axis=self.axis)]

    def dims_value(self, x: Any) -> Any:
        if self.num == 1:
            return x[0]
        return x if isinstance(x, tuple) and len(x) == self.num else None

    samples = [
        Sample("float32[3, 4]", num=3),
        Sample("float64[2, 3]", num=3, axis=-1),
        Sample("int32[1]", num=1),
        Refuses("float32[3]", "axis 0 has size 3, asked for 2 parts", num=2),
    ]


class Split(Op):
    """Tensors of ``sizes`` elements along ``axis`` that together are ``x``: concat undone."""

    operands = ("x",)
    attributes = {"sizes": REQUIRED, "axis": 0}
    kind = Kind.EXPANDED
    linear = True

    def infer_type(self, x: TensorType) -> tuple[TensorType, ...]:
        if x.shape is None:
            return (x,) * len(self.sizes)
        axis = resolve_axis(self.axis, len(x.shape), x=x)
        total = sum(self.sizes, start=0)
        if same_dim(x.shape[axis], total, f"axis {axis}") is None:
            sizes = dims.format_shape(self.sizes)
            fact = f"axis {axis} has size {x.shape[axis]}, {sizes} do not add up to it"
            raise Mismatch(fact, x=x)
        before, after = x.shape[:axis], x.shape[axis + 1 :]
        return tuple(x.with_shape((*before, size, *after)) for size in self.sizes)

    def reference(self, x: np.ndarray) -> tuple:
        return tuple(np.split(x, np.cumsum(self.sizes)[:-1].astype(int), self.axis))

    def expand(self, b: Any, x: Any) -> tuple:
        axis = self.axis % len(x.type.shape)
        parts, begin = [], 0
        for size in self.sizes:
            parts.append(_part(b, x, axis, begin, size))
            begin = begin + size
        return tuple(parts)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.concat(*_filled(b, ct, y), axis=self.axis)]

    def dims_value(self, x: Any) -> Any:
        if not isinstance(x, tuple) or not all(isinstance(size, int) for size in self.sizes):
            return None
        ends = np.cumsum(self.sizes)
        parts = tuple(x[end - size : end] for size, end in zip(self.sizes, ends, strict=True))
        return parts if len(parts) > 1 else parts[0]

    samples = [
        Sample("float32[5, 4]", sizes=(2, 3)),
        Sample("float64[2, 6]", sizes=(1, 2, 3), axis=-1),
        Sample("int32[4]", sizes=(4,)),
        Sample("float32[3]", sizes=(0, 3)),
        Refuses("float32[3]", "axis 0 has size 3, [2, 2] do not add up to it", sizes=(2, 2)),
    ]


def _part(b: Any, x: Any, axis: int, begin: Dim, size: Dim) -> Any:
    shape = x.type.shape
    return b.slice(
        x,
        begin=tuple(begin if k == axis else 0 for k in range(len(shape))),
        size=tuple(size if k == axis else n for k, n in enumerate(shape)),
    )


def _filled(b: Any, ct: Any, y: Any) -> list:
    """Cotangents of several outputs, zeros where there is none."""
    if not isinstance(y, tuple | list):
        return [ct]
    return [b.zeros_like(o) if c is None else c for c, o in zip(ct, y, strict=True)]


class Concat(Op):
    """Operands joined along ``axis``; their other sizes agree."""

    operands = ("*values",)
    attributes = {"axis": REQUIRED}
    kind = Kind.OPAQUE

    def infer_type(self, *values: TensorType) -> TensorType:
        if not values:
            raise Mismatch("takes at least one operand")
        dtype = same_dtype(**_named(self, values))
        if any(v.shape is None for v in values):
            return TensorType(dtype, None)
        axis = resolve_axis(self.axis, len(values[0].shape or ()), **{"values[0]": values[0]})
        shape = _one_shape(self, values, apart_from=axis)
        total = sum((v.shape[axis] for v in values), start=0)
        return TensorType(dtype, (*shape[:axis], total, *shape[axis + 1 :]))

    def reference(self, *values: np.ndarray) -> np.ndarray:
        return np.concatenate(values, self.axis)

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.opaque import lower_join

        return lower_join(node, self.axis % len(node.outputs[0].type.shape))

    def vjp(self, b: Any, ct: Any, y: Any, *values: Any) -> list:
        axis = self.axis % len(y.type.shape)
        sizes = tuple(v.type.shape[axis] for v in values)
        return list(b.split_parts(ct, sizes, axis=axis))

    def dims_value(self, *values: Any) -> Any:
        if not all(isinstance(v, tuple) for v in values):
            return None
        return tuple(size for v in values for size in v)

    samples = [
        Sample("float32[2, 3]", "float32[4, 3]", axis=0),
        Sample("float64[2, 3]", "float64[2, 1]", "float64[2, 2]", axis=-1),
        Sample("float16[2]", "float16[3]", axis=0),
        Sample("int32[0]", "int32[3]", axis=0),
        Sample("bool[2]", axis=0),
        Refuses("float32[2, 3]", "float32[4, 2]", "sizes differ along axis 1", axis=0),
        Refuses("float32[2]", "float32[2, 1]", "operands need one rank", axis=0),
        Refuses("float32[]", "axis 0 is outside a tensor of rank 0", axis=0),
    ]


@composite
def unstack(
    b: Any, x: Any, num: int | None = None, axis: int = 0, name: str | None = None
) -> tuple:
    """The slices of ``x`` along an axis of known size (``num`` where the type does not say)."""
    if num is None:
        if x.type.shape is None:
            raise Mismatch("the rank is not known: give num", x=x.type)
        num = x.type.shape[resolve_axis(axis, len(x.type.shape), x=x.type)]
        if not isinstance(num, int):
            raise Mismatch(
                f"the size of axis {axis} is not known", hint="give num, or set_shape", x=x.type
            )
    parts = b.unpack(x, num=num, axis=axis, name=name)
    return tuple(parts) if isinstance(parts, tuple | list) else (parts,)


@composite
def split_parts(b: Any, x: Any, num_or_sizes: Any, axis: int = 0, name: str | None = None) -> tuple:
    """``x`` cut along ``axis`` into so many equal parts, or parts of given sizes (-1: the rest)."""
    if x.type.shape is None:
        raise Mismatch("the rank must be known to be split", x=x.type)
    axis = resolve_axis(axis, len(x.type.shape), x=x.type)
    if isinstance(num_or_sizes, int):
        n = x.type.shape[axis]
        if num_or_sizes < 1 or (isinstance(n, int) and n % num_or_sizes):
            raise Mismatch(
                f"axis {axis} of size {n} does not split into {num_or_sizes} equal parts",
                hint="give the sizes of the parts: tf.split(x, [2, 1])",
                x=x.type,
            )
        sizes: tuple = (dims.floordiv(n, num_or_sizes),) * num_or_sizes
    else:
        sizes = b.shape_argument(num_or_sizes)
        if -1 in sizes:
            rest = x.type.shape[axis] - sum((s for s in sizes if s != -1), start=0)
            sizes = tuple(rest if s == -1 else s for s in sizes)
    parts = b.split(x, sizes=sizes, axis=axis, name=name)
    return tuple(parts) if isinstance(parts, tuple | list) else (parts,)
