"""Running sums, products and log-sum-exps along one axis."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from graphc.ir.dtype import COMPLEX, FLOATING, REAL
from graphc.ir.op import REQUIRED, Kind, Op, Refuses, Sample, describe
from graphc.ir.types import DTypeMismatch, TensorType
from graphc.ops.shaping.shape import resolve_axis


class Cumulative(Op, abstract=True):
    """``y[k]`` folds ``x[0] .. x[k]`` along ``axis``.

    ``exclusive`` leaves out ``x[k]`` itself; ``reverse`` folds from the end.
    """

    operands = ("x",)
    attributes = {"axis": REQUIRED, "exclusive": False, "reverse": False}
    kind = Kind.OPAQUE
    dtypes = REAL
    word: ClassVar[str]
    weight: ClassVar[float] = 1.0  # the cost of the word beside an addition
    fold: ClassVar[np.ufunc]

    def initial(self, dtype: Any) -> Any:
        """What the fold starts from."""
        raise NotImplementedError

    def infer_type(self, x: TensorType) -> TensorType:
        if x.dtype not in self.dtypes:
            raise DTypeMismatch(f"x must be {describe(self.dtypes)}, got {x}")
        if x.shape is not None:
            resolve_axis(self.axis, len(x.shape), x=x)
        return x

    def reference(self, x: np.ndarray) -> np.ndarray:
        computed = np.promote_types(x.dtype, np.float32) if x.dtype.kind == "f" else x.dtype
        return self._scanned(x, self.initial(computed))

    def _scanned(self, x: np.ndarray, initial: Any) -> np.ndarray:
        wider = {"f": np.dtype(np.float64), "c": np.dtype(np.complex128)}
        wide = wider.get(x.dtype.kind, x.dtype)
        rows = np.moveaxis(x.astype(wide), self.axis, 0)
        if self.reverse:
            rows = rows[::-1]
        first = np.full((1, *rows.shape[1:]), initial, wide)
        out = self.fold.accumulate(np.concatenate([first, rows]), axis=0, dtype=wide)
        out = out[:-1] if self.exclusive else out[1:]
        return np.moveaxis(out[::-1] if self.reverse else out, 0, self.axis).astype(x.dtype)

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.scan import lower_scan

        y = node.outputs[0].type
        initial = self.initial(y.dtype.computed.numpy)
        how = {"exclusive": self.exclusive, "reverse": self.reverse, "weight": self.weight}
        return lower_scan(node, self.axis % len(y.dims), self.word, initial, **how)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        """In the precision scans compute in: half precision would round at every op."""
        given, wide = x.dtype, x.dtype.computed
        if wide is given:
            return [self.slope(b, ct, y, x)]
        ct, x = b.cast(ct, dtype=wide), b.cast(x, dtype=wide)
        y = b.apply(type(self), (x,), dict(self.values()))
        return [b.cast(self.slope(b, ct, y, x), dtype=given)]

    def slope(self, b: Any, ct: Any, y: Any, x: Any) -> Any:
        """The gradient to ``x``."""
        raise NotImplementedError

    def back(self, b: Any, values: Any) -> Any:
        """The sums of ``values`` over the results each element took part in."""
        how = {"exclusive": self.exclusive, "reverse": not self.reverse}
        return b.cumsum(values, axis=self.axis, **how)


FLOATING_SCANS: list[Sample | Refuses] = [
    Sample("float32[3, 4]", axis=0),
    Sample("float32[3, 4]", axis=1),
    Sample("float64[2, 3, 4]", axis=-2, exclusive=True),
    Sample("float64[2, 3]", axis=1, reverse=True),
    Sample("float64[2, 3]", axis=0, exclusive=True, reverse=True),
    Sample("float64[5]", axis=0, exclusive=True, reverse=True),
    Sample("float32[2, 3, 2]", axis=1, reverse=True),
    Sample("float16[2, 5]", axis=0),
    Sample("bfloat16[5]", axis=0),
    Sample("float32[0, 3]", axis=0),
    Sample("float32[3, 0]", axis=0),
    Sample("float32[1, 3]", axis=0, exclusive=True),
    Sample("float32[2, 3]", axis=1, values={0: [1, np.nan, 2, 3, np.inf, -1]}, gradient=False),
    Refuses("float32[3]", "axis 1 is outside a tensor of rank 1", axis=1),
]
SCANS: list[Sample | Refuses] = [
    *FLOATING_SCANS,
    Sample("int32[3, 2]", axis=0, low=-9, high=9),
    Sample("int64[4]", axis=0, reverse=True, exclusive=True),
    Sample("uint8[2, 3]", low=0, high=5, axis=1),
    Refuses("bool[3]", "x must be numeric, got bool[3]", axis=0),
]


def _starts_at_none(row: Sample | Refuses) -> bool:
    """Whether the first result is of no elements: for some folds no finite number."""
    return isinstance(row, Sample) and bool(row.attributes.get("exclusive"))


class Cumsum(Cumulative):
    """``y[k] = x[0] + ... + x[k]`` along ``axis``."""

    linear = True
    dtypes = REAL + COMPLEX
    word = "add"
    fold = np.add

    def initial(self, dtype: Any) -> Any:
        return 0

    def slope(self, b: Any, ct: Any, y: Any, x: Any) -> Any:
        return self.back(b, ct)

    samples = [*SCANS, Sample("complex64[3, 2]", axis=0, reverse=True)]


class Cumprod(Cumulative):
    """``y[k] = x[0] * ... * x[k]`` along ``axis``.

    The gradient is exact with zeros among the factors.
    """

    dtypes = REAL + COMPLEX
    holomorphic = True
    word = "mul"
    fold = np.multiply

    def initial(self, dtype: Any) -> Any:
        return 1

    def slope(self, b: Any, ct: Any, y: Any, x: Any) -> Any:
        """Products past the first zero are zero, whatever moves but that zero."""
        one = b.tensor(1, like=x)
        is_zero = b.equal(x, b.tensor(0, like=x))
        count = b.cumsum(b.cast(is_zero, dtype=x.dtype), axis=self.axis, reverse=self.reverse)
        first = b.logical_and(is_zero, b.equal(count, one))
        how = {"axis": self.axis, "exclusive": self.exclusive, "reverse": self.reverse}
        without = b.cumprod(b.where(first, one, x), **how)
        at_zero = b.where(first, self.back(b, b.mul(ct, without)), b.zeros_like(x))
        safe = b.where(is_zero, one, x)
        elsewhere = b.realdiv(self.back(b, b.mul(ct, y)), safe)
        return b.where(is_zero, at_zero, elsewhere)

    samples = [
        *SCANS,
        Sample("float64[2, 4]", axis=1, values={0: [2, 0, 3, -1, 0, 2, 1, 3]}),
    ]


class CumulativeLogsumexp(Cumulative):
    """``y[k] = log(exp(x[0]) + ... + exp(x[k]))`` along ``axis``, stably; ``-inf`` of none."""

    dtypes = FLOATING
    word = "logaddexp"
    weight = 12.0
    fold = np.logaddexp
    transcendental = True

    def initial(self, dtype: Any) -> Any:
        return -np.inf

    def slope(self, b: Any, ct: Any, y: Any, x: Any) -> Any:
        how = {"axis": self.axis, "exclusive": self.exclusive, "reverse": not self.reverse}
        zero, one = b.tensor(0, like=x), b.tensor(1, like=x)
        none = b.tensor(-np.inf, like=x)
        finite = b.is_finite(y)
        level = b.where(finite, y, zero)
        parts = []
        for part in (ct, b.neg(ct)):
            some = b.logical_and(b.greater(part, zero), finite)
            size = b.sub(b.log(b.where(some, part, one)), level)
            below = b.cumulative_logsumexp(b.where(some, size, none), **how)
            parts.append(b.exp(b.add(below, x)))
        return b.sub(*parts)

    samples = [
        *(row for row in FLOATING_SCANS if not _starts_at_none(row)),
        Sample("float64[3, 2]", axis=0, low=-500, high=500),
        Sample("float64[2, 3, 4]", axis=-2, exclusive=True, gradient=False),
        Sample("float64[5]", axis=0, exclusive=True, reverse=True, gradient=False),
        Refuses("int32[3]", "x must be floating, got int32[3]", axis=0),
    ]
