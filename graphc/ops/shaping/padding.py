"""Padding with what the tensor holds: its elements mirrored at the border."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.dtype import bool_, int64
from graphc.ir.op import REQUIRED, Kind, Op, Refuses, Sample
from graphc.ir.types import Mismatch, TensorType
from graphc.ops.shaping.shape import at_most


class MirrorPad(Op):
    """``x`` continued past each border by its mirror image: ``paddings[k] = (before, after)``.

    ``border`` 0 repeats the element at the border (SYMMETRIC), 1 does not (REFLECT).
    """

    operands = ("x",)
    attributes = {"paddings": REQUIRED, "border": REQUIRED}
    kind = Kind.INJECTIVE
    linear = True

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
        for axis, (size, pair) in enumerate(zip(x.shape, self.paddings, strict=True)):
            for width in pair:
                what = f"padding {width} inside axis {axis}"
                if width != 0 and not at_most(width, size - self.border, what):
                    raise Mismatch(f"padding {width} is too wide for axis {axis} of {size}", x=x)
        pairs = zip(x.shape, self.paddings, strict=True)
        return x.with_shape(tuple(before + size + after for size, (before, after) in pairs))

    def reference(self, x: np.ndarray) -> np.ndarray:
        mode: Any = "reflect" if self.border else "symmetric"
        return np.pad(x, self.paddings, mode) if x.ndim else x

    def element(self, e: Any, at: tuple[Dim, ...], x: Any) -> Any:
        index = []
        for i, (before, after), n in zip(at, self.paddings, x.type.shape, strict=True):
            place = i - before
            if (before, after) == (0, 0):
                index.append(place)
                continue
            own = e.position(place)
            if before != 0:
                zero = e.literal(0, int64)
                early = e.let(f"lt({own}, {zero})", bool_, own)
                own = e.where(early, e.position(self.border - 1 - place), own, int64)
            if after != 0:
                last = e.number(n - 1, int64)
                late = e.let(f"gt({own}, {last})", bool_, own, last)
                own = e.where(late, e.position(2 * n - 1 - self.border - place), own, int64)
            index.append(e.clamp(own, n))
        return x(*index)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        for axis, (before, after) in enumerate(self.paddings):
            n = x.type.shape[axis]
            total = _part(b, ct, axis, before, n)
            for width, start, place in (
                (before, 0, self.border),
                (after, before + n, n - after - self.border),
            ):
                if width != 0:
                    image = b.reverse(_part(b, ct, axis, start, width), axis=(axis,))
                    around = tuple(
                        (place, n - place - width) if k == axis else (0, 0)
                        for k in range(len(ct.type.shape))
                    )
                    total = b.add(total, b.pad(image, paddings=around))
            ct = total
        return [ct]

    samples = [
        Sample("float32[2, 3]", paddings=((1, 1), (2, 0)), border=1),
        Sample("float32[2, 3]", paddings=((2, 1), (0, 3)), border=0),
        Sample("float64[4]", paddings=((3, 2),), border=1),
        Sample("float64[2, 3]", paddings=((0, 0), (1, 1)), border=0),
        Sample("int32[1]", paddings=((1, 1),), border=0),
        Sample("float16[3]", paddings=((0, 2),), border=1),
        Sample("float32[]", paddings=(), border=1),
        Sample("float32[0, 2]", paddings=((0, 0), (1, 0)), border=1),
        Refuses("float32[2]", "padding 2 is too wide for axis 0 of 2", paddings=((2, 0),),
                border=1),
        Refuses("float32[2]", "padding 3 is too wide for axis 0 of 2", paddings=((0, 3),),
                border=0),
        Refuses("float32[2]", "paddings need one pair per axis of x (1)", paddings=(), border=1),
        Refuses("float32[2]", "paddings cannot be negative, got [-1, 0]", paddings=((-1, 0),),
                border=1),
    ]  # fmt: skip


def _part(b: Any, x: Any, axis: int, begin: Dim, size: Dim) -> Any:
    shape = x.type.shape
    return b.slice(
        x,
        begin=tuple(begin if k == axis else 0 for k in range(len(shape))),
        size=tuple(size if k == axis else n for k, n in enumerate(shape)),
    )
