"""Whole quotients and remainders.

Each op divides floats as it says, and integers with 0 for a division by zero.  The Builder's
methods (``b.floordiv`` and its like) take that op for floats, and for a constant divisor without
zeros; otherwise the checked op of the same TF1 type, which fails the run at the user's line.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dims
from graphc.ir.builder import composite
from graphc.ir.dtype import INTEGER, bool_
from graphc.ir.op import Kind, NotDifferentiable, Refuses, Sample
from graphc.ir.types import broadcast, broadcast_index
from graphc.ops.elementwise.arithmetic import NOT_BOOL, PAIRS, WHOLE_PAIRS, Binary, each_dim
from graphc.ops.running.precision import in_float32

ZERO_DIVISORS = {0: [7, -7, 7, -7, 0, 5], 1: [2, 2, -2, -2, 3, 0]}


class FloorDiv(Binary):
    """``z = floor(x / y)``."""

    name = "floordiv"
    vjp = NotDifferentiable("a floor division is a step")

    @in_float32
    def reference(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.floor(x / y) if x.dtype.kind == "f" else np.floor_divide(x, y)

    def scalar(self, x: Any, y: Any) -> str:
        return f"floordiv({x}, {y})"

    def dims_value(self, x: Any, y: Any) -> Any:
        return each_dim(lambda p, q: None if q == 0 else dims.floordiv(p, q), x, y)

    samples = [
        *PAIRS,
        *WHOLE_PAIRS,
        *NOT_BOOL,
        Sample("int32[6]", "int32[6]", values=ZERO_DIVISORS),
    ]


class FloorMod(Binary):
    """``z = x - y * floor(x / y)``: the remainder with the sign of ``y``."""

    name = "floormod"

    @in_float32
    def reference(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.remainder(x, y)

    def scalar(self, x: Any, y: Any) -> str:
        return f"floormod({x}, {y})"

    def vjp(self, b: Any, ct: Any, z: Any, x: Any, y: Any) -> list:
        return [ct, b.neg(b.mul(ct, b.floordiv(x, y)))]

    def dims_value(self, x: Any, y: Any) -> Any:
        return each_dim(lambda p, q: None if q == 0 else p - dims.floordiv(p, q) * q, x, y)

    samples = [
        *PAIRS,
        *WHOLE_PAIRS,
        *NOT_BOOL,
        Sample("int32[6]", "int32[6]", values=ZERO_DIVISORS),
        Sample("float32[4]", "float32[4]", values={0: [7, -7, 7, -7], 1: [3, 3, -3, -3]}),
    ]


class TruncateDiv(Binary):
    """``z = x / y`` toward zero."""

    name = "truncatediv"
    vjp = NotDifferentiable("a whole quotient is a step")

    @in_float32
    def reference(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        if x.dtype.kind == "f":
            return np.trunc(x / y)
        floor = np.floor_divide(x, y)
        uneven = np.multiply(floor, y) != x
        upward = uneven & (np.less(x, 0) != np.less(y, 0)) & np.not_equal(y, 0)
        return floor + upward.astype(floor.dtype)

    def scalar(self, x: Any, y: Any) -> str:
        return f"truncdiv({x}, {y})"

    samples = [
        *PAIRS,
        *WHOLE_PAIRS,
        *NOT_BOOL,
        Sample("int32[6]", "int32[6]", values=ZERO_DIVISORS),
    ]


class TruncateMod(Binary):
    """The remainder of ``x / y`` with the sign of ``x``."""

    name = "truncatemod"

    @in_float32
    def reference(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.fmod(x, y)

    def scalar(self, x: Any, y: Any) -> str:
        return f"truncmod({x}, {y})"

    def vjp(self, b: Any, ct: Any, z: Any, x: Any, y: Any) -> list:
        quotient = b.realdiv(x, y)
        whole = b.mul(b.sign(quotient), b.floor(b.abs(quotient)))
        return [ct, b.neg(b.mul(ct, whole))]

    samples = [
        *PAIRS,
        *WHOLE_PAIRS,
        *NOT_BOOL,
        Sample("int32[6]", "int32[6]", values=ZERO_DIVISORS),
    ]


class CheckedDivision(Binary, abstract=True):
    """An integer division that fails the run where a divisor is 0."""

    dtypes = INTEGER
    kind = Kind.INJECTIVE
    may_fail = True
    vjp = NotDifferentiable("an integer division is a step")
    unchecked: ClassVar[type[Binary]]

    def reference(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        if not np.all(y):
            raise InvalidArgumentError("Integer division by zero")
        return self.unchecked().reference(x, y)

    def element(self, e: Any, at: tuple, x: Any, y: Any) -> Any:
        out = broadcast(x=x.type, y=y.type) or ()
        number = x(*broadcast_index(at, x.type.shape, out))
        divisor = y(*broadcast_index(at, y.type.shape, out))
        e.check(e.let(f"eq({divisor}, {divisor.zero})", bool_, divisor))
        text = self.unchecked().scalar(number, divisor)
        return e.let(text, x.type.dtype, number, divisor)

    samples = [
        Sample("int32[3, 4]", "int32[4]", low=1, high=9),
        Sample("int32[4]", "int32[4]", values={0: [7, -7, 7, -7], 1: [2, 2, -2, -2]}),
        Sample("uint8[5]", "uint8[]", low=1, high=9),
        Sample("int64[2, 0]", "int64[1]", low=1, high=9),
        Refuses("float32[2]", "float32[2]", "x must be integer, got float32[2]"),
        Refuses("int32[2]", "int64[2]", "dtypes of x and y differ"),
    ]


class CheckedFloorDiv(CheckedDivision):
    """``z = floor(x / y)`` of integers; a ``y`` of 0 fails the run."""

    name = "checked_floordiv"
    unchecked = FloorDiv

    def dims_value(self, x: Any, y: Any) -> Any:
        return FloorDiv().dims_value(x, y)


class CheckedFloorMod(CheckedDivision):
    """The remainder of integers with the sign of ``y``; a ``y`` of 0 fails the run."""

    name = "checked_floormod"
    unchecked = FloorMod

    def dims_value(self, x: Any, y: Any) -> Any:
        return FloorMod().dims_value(x, y)


class CheckedTruncateDiv(CheckedDivision):
    """``z = x / y`` toward zero, of integers; a ``y`` of 0 fails the run."""

    name = "checked_truncatediv"
    unchecked = TruncateDiv


class CheckedTruncateMod(CheckedDivision):
    """The remainder of integers with the sign of ``x``; a ``y`` of 0 fails the run."""

    name = "checked_truncatemod"
    unchecked = TruncateMod


def _division(checked: type[CheckedDivision]) -> None:
    """The Builder's method for a division: the checked op where a divisor may be 0."""
    plain = checked.unchecked
    checked.__name__ = plain.__name__  # TF1's op type, whichever of the two it is

    def divide(b: Any, x: Any, y: Any, name: str | None = None, **more: Any) -> Any:
        x, y = b.tensors((x, y))
        never_zero = y.node.op.name == "const" and bool(np.all(y.node.op.value.array))
        kind = checked if x.dtype.is_integer and not never_zero else plain
        return b.apply(kind, (x, y), {"name": name, **more})

    divide.__name__ = plain.name
    divide.__doc__ = plain.__doc__
    composite(divide)


for _checked in (CheckedFloorDiv, CheckedFloorMod, CheckedTruncateDiv, CheckedTruncateMod):
    _division(_checked)
