"""Windows that slide over pictures, laid side by side."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.op import REQUIRED, Kind, Op, Refuses, Sample
from graphc.ir.types import Mismatch, TensorType
from graphc.ops.shaping.slicing import element_or


def window_places(size: Dim, window: int, stride: int, rate: int, same: bool) -> tuple[Dim, Dim]:
    """(how many windows fit along an axis, how many zeros stand before it).

    ``same`` pads so that there are ``size / stride`` (rounded up), else windows lie inside.
    """
    reach = (window - 1) * rate + 1
    if not same:
        count = dims.ceildiv(size - reach + 1, stride)
        return (count if dims.lower_bound(count) >= 0 else dims.maximum(count, 0)), 0
    count = dims.ceildiv(size, stride)
    missing = dims.maximum((count - 1) * stride + reach - size, 0)
    return count, dims.floordiv(missing, 2)


class ImagePatches(Op):
    """``y[n, i, j, p, q, c]``: pixel (p, q) of the window at row i and column j; 0 outside ``x``.

    ``x`` is [n, height, width, c]; ``window``, ``strides`` and ``rates`` are (rows, columns).
    """

    operands = ("x",)
    attributes = {"window": REQUIRED, "strides": (1, 1), "rates": (1, 1), "same": REQUIRED}
    kind = Kind.INJECTIVE
    linear = True

    def infer_type(self, x: TensorType) -> TensorType:
        if x.shape is None:
            return x
        if len(x.shape) != 4:
            raise Mismatch(f"x must be of rank 4, its rank is {len(x.shape)}", x=x)
        if min(*self.window, *self.strides, *self.rates) < 1:
            raise Mismatch("windows, strides and rates are at least 1")
        (rows, _), (columns, _) = self._places(x)
        return x.with_shape((x.shape[0], rows, columns, *self.window, x.shape[3]))

    def _places(self, x: TensorType) -> list[tuple[Dim, Dim]]:
        how = zip(x.dims[1:3], self.window, self.strides, self.rates, strict=True)
        return [window_places(*one, self.same) for one in how]

    def reference(self, x: np.ndarray) -> np.ndarray:
        (rows, top), (columns, left) = self._places(TensorType(None, x.shape))  # type: ignore[arg-type]
        out = np.zeros((x.shape[0], rows, columns, *self.window, x.shape[3]), x.dtype)
        for i, j, p, q in np.ndindex(*out.shape[1:5]):
            row = i * self.strides[0] - top + p * self.rates[0]
            column = j * self.strides[1] - left + q * self.rates[1]
            if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
                out[:, i, j, p, q] = x[:, row, column]
        return out

    def element(self, e: Any, at: tuple[Dim, ...], x: Any) -> Any:
        n, i, j, p, q, c = at
        (_, top), (_, left) = self._places(x.type)
        row = self.strides[0] * i + self.rates[0] * p - top
        column = self.strides[1] * j + self.rates[1] * q - left
        whole = (True, not self.same, not self.same, True)
        return element_or(e, x, (n, row, column, c), e.literal(0, x.type.dtype), whole)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        """Each pixel of the windows goes back to where it was read."""
        batch, height, width, channels = x.type.shape
        (rows, top), (columns, left) = self._places(x.type)
        reach = [(w - 1) * r + 1 for w, r in zip(self.window, self.rates, strict=True)]
        tall = dims.maximum(top + height, (rows - 1) * self.strides[0] + reach[0])
        wide = dims.maximum(left + width, (columns - 1) * self.strides[1] + reach[1])
        parts = []
        for p, q in np.ndindex(*self.window):
            pixel = b.slice(
                ct, begin=(0, 0, 0, p, q, 0), size=(batch, rows, columns, 1, 1, channels)
            )
            begin = (0, p * self.rates[0], q * self.rates[1], 0)
            parts.append(
                b.strided_unslice(
                    b.squeeze(pixel, axis=(3, 4)),
                    begin=begin,
                    strides=(1, *self.strides, 1),
                    shape=(batch, tall, wide, channels),
                )
            )
        total = parts[0] if len(parts) == 1 else b.add_n(*parts)
        return [b.slice(total, begin=(0, top, left, 0), size=x.type.shape)]

    samples = [
        Sample("float32[1, 4, 5, 2]", window=(2, 3), same=False),
        Sample("float64[2, 5, 4, 1]", window=(3, 2), strides=(2, 1), same=True),
        Sample("float64[1, 6, 6, 1]", window=(2, 2), strides=(1, 2), rates=(2, 3), same=False),
        Sample("float64[1, 4, 4, 1]", window=(3, 3), strides=(3, 3), rates=(1, 2), same=True),
        Sample("int32[1, 3, 3, 1]", window=(1, 1), strides=(2, 2), same=False),
        Sample("float32[1, 2, 2, 1]", window=(3, 3), same=False),
        Refuses("float32[3, 3]", "x must be of rank 4, its rank is 2", window=(1, 1), same=True),
        Refuses("float32[1, 3, 3, 1]", "windows, strides and rates are at least 1", window=(0, 1),
                same=True),
    ]  # fmt: skip
