"""The first half of a long reduction: one result per chunk of rows; chunks run in parallel."""

from __future__ import annotations

import numpy as np

from graphc.ir import dims
from graphc.ir.op import REQUIRED, Kind, NotDifferentiable, Op, Reduce, Refuses, Sample
from graphc.ir.types import Mismatch, TensorType

_UFUNCS = {
    "accumulate": np.add,
    "accumulate_mul": np.multiply,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
}


class PartialReduce(Op):
    """``y[c, ...]``: the fold of ``chunk`` rows of ``x`` (and of the other axes in ``axis``).

    ``axis`` starts with 0; the last chunk may be short.  Folding ``y`` along its first axis gives
    the whole reduction, in the same order for any number of threads.
    """

    operands = ("x",)
    attributes = {"axis": REQUIRED, "chunk": REQUIRED, "initial": REQUIRED, "word": REQUIRED}
    kind = Kind.REDUCTION
    keepdims = False
    vjp = NotDifferentiable("the compiler makes it after differentiation")

    @property
    def reduction(self) -> Reduce:
        return Reduce(self.initial, self.word)

    def axes(self, x: TensorType) -> tuple[int, ...]:
        return self.axis

    def infer_type(self, x: TensorType) -> TensorType:
        if x.shape is None:
            return x
        if not self.axis or self.axis[0] != 0 or self.axis[-1] >= len(x.shape):
            raise Mismatch("the reduced axes must start with the first", x=x)
        kept = tuple(d for k, d in enumerate(x.shape) if k not in self.axis)
        return x.with_shape((dims.ceildiv(x.shape[0], self.chunk), *kept))

    def reference(self, x: np.ndarray) -> np.ndarray:
        fold = _UFUNCS[self.word]
        wide = x.astype(np.float32) if x.dtype == np.float16 else x
        rows = fold.reduceat(wide, np.arange(0, len(x), int(self.chunk)), axis=0)
        if self.axis[1:]:
            rows = fold.reduce(rows, axis=self.axis[1:])
        return rows.astype(x.dtype)

    samples = [
        Sample("float32[7]", axis=(0,), chunk=3, initial=0, word="accumulate"),
        Sample("float64[5, 4]", axis=(0, 1), chunk=2, initial="lowest", word="maximum"),
        Sample("float32[9, 4]", axis=(0,), chunk=4, initial=0, word="accumulate"),
        Sample("float32[6, 3, 2]", axis=(0, 1), chunk=4, initial=1, word="accumulate_mul"),
        Refuses(
            "float32[2, 3]", "the reduced axes must start with the first",
            axis=(1,), chunk=1, initial=0, word="accumulate",
        ),
    ]  # fmt: skip
