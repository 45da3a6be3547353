"""Where values come from: placeholders, constants, variables, random state."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir.dims import Dim
from graphc.ir.dtype import as_dtype, uint64
from graphc.ir.op import REQUIRED, Kind, NotDifferentiable, Op, Sample
from graphc.ir.types import TensorType


class Source(Op, abstract=True):
    """An op without operands whose value is already in memory when a run starts."""

    operands = ()
    kind = Kind.SOURCE
    source = True
    vjp = NotDifferentiable("it has no operands")


class Placeholder(Source):
    """A value the caller feeds; ``shape`` may hold symbolic sizes, or be None (any rank)."""

    attributes = {"dtype": REQUIRED, "shape": REQUIRED}

    def infer_type(self) -> TensorType:
        return TensorType(self.dtype, self.shape)

    def reference(self) -> Any:
        raise LookupError("a placeholder has no value of its own")

    samples = []


class Const(Source):
    """A value fixed when the graph is built."""

    attributes = {"value": REQUIRED}

    def infer_type(self) -> TensorType:
        array = self.value.array
        return TensorType(as_dtype(array.dtype), array.shape)

    def reference(self) -> np.ndarray:
        return self.value.array

    def dims_value(self) -> Any:
        array = self.value.array
        if array.dtype.kind not in "iu" or array.ndim > 1 or array.size > 64:
            return None
        return tuple(array.tolist()) if array.ndim else int(array)

    samples = [Sample(value=np.arange(6, dtype=np.float32).reshape(2, 3))]


class Variable(Source):
    """State a session owns, named ``key`` in its store.  Its tensor is a read of it."""

    name = "variable"
    attributes = {"dtype": REQUIRED, "shape": REQUIRED, "key": REQUIRED}

    def infer_type(self) -> TensorType:
        return TensorType(self.dtype, self.shape)

    def reference(self) -> Any:
        raise LookupError("a variable's value is in its session")

    samples = []


class RandomState(Source):
    """The key and execution count of one random op: ``uint64[2]``, kept by the session.

    ``seed`` is (graph seed, op seed), either None; ``path`` distinguishes ops with equal seeds.
    The count goes up by one after every run the state takes part in.
    """

    attributes = {"seed": (None, None), "path": REQUIRED}

    def infer_type(self) -> TensorType:
        return TensorType(uint64, (2,))

    def reference(self) -> Any:
        raise LookupError("random state is in its session")

    samples = []


class DimValue(Op):
    """``y = dim``: a symbolic size as a scalar of ``dtype`` (rounded when floating)."""

    operands = ()
    attributes = {"dim": REQUIRED, "dtype": REQUIRED}
    kind = Kind.INJECTIVE
    vjp = NotDifferentiable("it has no operands")

    def infer_type(self) -> TensorType:
        return TensorType(self.dtype, ())

    def reference(self) -> np.ndarray:
        return np.asarray(int(self.dim), self.dtype.numpy)

    def element(self, e: Any, at: tuple[Dim, ...]) -> Any:
        return e.number(self.dim, self.dtype)

    def dims_value(self) -> Dim | None:
        return self.dim if self.dtype.is_integer else None

    samples = [Sample(dim=7, dtype=as_dtype("float32")), Sample(dim=7, dtype=as_dtype("int32"))]
