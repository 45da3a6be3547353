"""Writing variables, and operations that are only there for their order.

The first operand of a write is the variable; the output is its value afterwards.  ``assign_add``
and ``assign_sub`` are spelled as arithmetic ending in an assign: fusion makes in-place kernels of
that. Writes of some rows only are in :mod:`graphc.ops.indexing.rows`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir.dtype import COMPLEX, REAL
from graphc.ir.op import Elementwise, Kind, NotDifferentiable, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, same_dim, same_dtype

A_WRITE = NotDifferentiable("it writes a variable")


def _same_shape(variable: TensorType, value: TensorType) -> None:
    if variable.shape is None or value.shape is None:
        return
    met = [
        same_dim(p, q, f"axis {k}")
        for k, (p, q) in enumerate(zip(variable.shape, value.shape, strict=False))
    ]
    if len(variable.shape) != len(value.shape) or None in met:
        raise Mismatch(
            "the value has another shape than the variable", variable=variable, value=value
        )


class Write(Op, abstract=True):
    """A new value for a variable, of its dtype and shape."""

    operands = ("variable", "value")
    effect = True
    writes = 0
    vjp = A_WRITE

    def infer_type(self, variable: TensorType, value: TensorType) -> TensorType:
        same_dtype(variable=variable, value=value)
        _same_shape(variable, value)
        return variable


class Assign(Write):
    """``variable = value``."""

    kind = Kind.EFFECT

    def reference(self, variable: np.ndarray, value: np.ndarray) -> np.ndarray:
        return value

    def scalar(self, variable: Any, value: Any) -> str:
        return f"{value}"

    samples = [
        Sample("float32[3, 4]", "float32[3, 4]"),
        Sample("int64[]", "int64[]"),
        Sample("bool[2]", "bool[2]"),
        Refuses("float32[2]", "float64[2]", "dtypes of variable and value differ"),
        Refuses("float32[2]", "float32[3]", "the value has another shape than the variable"),
        Refuses("float32[2]", "float32[]", "the value has another shape than the variable"),
    ]


class _Step(Write, abstract=True):
    kind = Kind.EXPANDED
    dtypes = REAL + COMPLEX

    def infer_type(self, variable: TensorType, value: TensorType) -> TensorType:
        if variable.dtype not in self.dtypes:
            raise DTypeMismatch(f"variable must be numeric, got {variable}")
        return super().infer_type(variable, value)

    samples = [
        Sample("float32[3, 4]", "float32[3, 4]"),
        Sample("int64[]", "int64[]"),
        Sample("float16[2]", "float16[2]"),
        Sample("complex64[3]", "complex64[3]"),
        Refuses("bool[2]", "bool[2]", "variable must be numeric, got bool[2]"),
        Refuses("float32[2]", "float32[3]", "the value has another shape than the variable"),
    ]


class AssignAdd(_Step):
    """``variable += value``."""

    def reference(self, variable: np.ndarray, value: np.ndarray) -> np.ndarray:
        return np.add(variable, value)

    def expand(self, b: Any, variable: Any, value: Any) -> Any:
        return b.assign(variable, b.add(variable, value))


class AssignSub(_Step):
    """``variable -= value``."""

    def reference(self, variable: np.ndarray, value: np.ndarray) -> np.ndarray:
        return np.subtract(variable, value)

    def expand(self, b: Any, variable: Any, value: Any) -> Any:
        return b.assign(variable, b.sub(variable, value))


class NoOp(Op):
    """Nothing: a node to hang control dependencies on."""

    operands = ()
    kind = Kind.EFFECT
    effect = True
    source = True  # there is nothing to compute
    vjp = NotDifferentiable("it has no operands")

    def infer_type(self) -> tuple[TensorType, ...]:
        return ()

    def reference(self) -> tuple:
        return ()

    samples = [Sample()]


class Latest(Op):
    """``y = variable``, as the writes made so far leave it, whether or not they are waited for.

    What a branch or a loop that writes a variable starts from: as with every read-modify-write, no
    write before it is lost.
    """

    operands = ("variable",)
    kind = Kind.EXPANDED

    def infer_type(self, variable: TensorType) -> TensorType:
        return variable

    def reference(self, variable: np.ndarray) -> np.ndarray:
        return variable

    def expand(self, b: Any, variable: Any) -> Any:
        return b.identity(variable)

    def vjp(self, b: Any, ct: Any, y: Any, variable: Any) -> list:
        return [ct]

    samples = [Sample("float32[3, 4]"), Sample("int32[]"), Sample("bool[2]")]


class Snapshot(Elementwise):
    """``y = x``, in memory of its own: a variable's version that outlives the next write."""

    operands = ("x",)
    linear = True

    def reference(self, x: np.ndarray) -> np.ndarray:
        return x.copy()

    def scalar(self, x: Any) -> str:
        return f"{x}"

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [ct]

    samples = [Sample("float32[3, 4]"), Sample("int32[3]"), Sample("bool[2]")]
