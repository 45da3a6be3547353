"""Parts of matrices: the last two axes are rows and columns, axes before them count matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir.dims import Dim
from graphc.ir.dtype import int64
from graphc.ir.op import REQUIRED, Kind, Op, Refuses, Sample
from graphc.ir.types import Mismatch, TensorType


class MatrixBandPart(Op):
    """``x[i, j]`` where ``i - j <= lower`` and ``j - i <= upper``, else 0; -1 sets no limit.

    ``lower=-1, upper=0`` keeps the lower triangle.
    """

    operands = ("x",)
    attributes = {"lower": REQUIRED, "upper": REQUIRED}
    kind = Kind.INJECTIVE
    linear = True

    def infer_type(self, x: TensorType) -> TensorType:
        if x.shape is not None and len(x.shape) < 2:
            raise Mismatch(f"x must be at least a matrix, its rank is {len(x.shape)}", x=x)
        bands = (("lower", self.lower), ("upper", self.upper))
        for (name, limit), size in zip(bands, (x.shape or ())[-2:], strict=False):
            if isinstance(limit, int) and isinstance(size, int) and limit > size:
                raise Mismatch(f"{name} {limit} is more than the {size} there are", x=x)
        return x

    def reference(self, x: np.ndarray) -> np.ndarray:
        below = np.arange(x.shape[-2])[:, None] - np.arange(x.shape[-1])
        kept = np.ones(below.shape, bool)
        for limit, distance in ((self.lower, below), (self.upper, -below)):
            if limit >= 0:
                kept &= distance <= limit
        return np.where(kept, x, np.zeros((), x.dtype))

    def element(self, e: Any, at: tuple[Dim, ...], x: Any) -> Any:
        value = x(*at)
        zero = e.literal(0, x.type.dtype)
        i, j = at[-2:]
        for limit, distance in ((self.lower, i - j), (self.upper, j - i)):
            if not isinstance(limit, int) or limit >= 0:
                inside = f"le({e.position(distance)}, {e.number(limit, int64)})"
                value = e.where(inside, value, zero, x.type.dtype)
        return value

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.matrix_band_part(ct, lower=self.lower, upper=self.upper)]

    samples = [
        Sample("float32[4, 5]", lower=1, upper=2),
        Sample("float32[3, 3]", lower=-1, upper=0),
        Sample("float64[2, 3, 4]", lower=0, upper=-1),
        Sample("float16[3, 2]", lower=0, upper=0),
        Sample("bfloat16[2, 2]", lower=-1, upper=-1),
        Sample("int32[2, 3]", lower=2, upper=1),
        Sample("bool[3, 3]", lower=1, upper=0),
        Sample("float32[0, 3]", lower=0, upper=0),
        Refuses("float32[2, 3]", "lower 3 is more than the 2 there are", lower=3, upper=0),
        Refuses("float32[3]", "x must be at least a matrix, its rank is 1", lower=0, upper=0),
    ]
