"""Checks of values while the graph runs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir.dims import Dim
from graphc.ir.dtype import FLOATING, bool_
from graphc.ir.op import Kind, NotDifferentiable, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType
from graphc.ops.text.as_text import format_values


class CheckNumerics(Op):
    """``y = x``; the run fails, with ``message``, if an element is NaN or infinite."""

    operands = ("x",)
    attributes = {"message": ""}
    kind = Kind.INJECTIVE
    may_fail = True

    def infer_type(self, x: TensorType) -> TensorType:
        if x.dtype not in FLOATING:
            raise DTypeMismatch(f"x must be floating, got {x}")
        return x

    def reference(self, x: np.ndarray) -> np.ndarray:
        wrong = np.argwhere(~np.isfinite(x))
        if len(wrong):
            at = tuple(wrong[0].tolist())
            where = f"[{', '.join(map(str, at))}]" if at else ""
            before = f"{self.message}: " if self.message else ""
            raise InvalidArgumentError(f"{before}x{where} is {x[at]}")
        return x

    def element(self, e: Any, at: tuple[Dim, ...], x: Any) -> Any:
        value = x(*at)
        e.check(e.let(f"logical_not(isfinite({value}))", bool_, value))
        return value

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        before = f"{self.message}: " if self.message else ""
        return [b.check_numerics(ct, message=f"{before}in the gradient")]

    samples = [
        Sample("float32[3, 4]", message="loss"),
        Sample("float64[]"),
        Sample("float16[0]"),
        Refuses("int32[2]", "x must be floating, got int32[2]"),
    ]


class Assert(Op):
    """The run fails unless ``condition`` holds; the message shows ``data``.

    ``texts`` has the words to show before each of ``data`` and, at its end, behind the last.
    """

    operands = ("condition", "*data")
    attributes = {"summarize": 3, "texts": ()}
    kind = Kind.HOST
    effect = True
    may_fail = True
    vjp = NotDifferentiable("it has no output")

    def infer_type(self, condition: TensorType, *data: TensorType) -> tuple[TensorType, ...]:
        if not condition.dtype.is_bool:
            raise DTypeMismatch(f"condition must be bool, got {condition}")
        if condition.shape not in (None, ()):
            raise Mismatch(f"condition must be a scalar, got {condition}")
        return ()

    def reference(self, condition: np.ndarray, *data: np.ndarray) -> tuple:
        if not condition:
            shown = " ".join(self._shown(data))
            raise InvalidArgumentError(
                f"assertion failed: {shown}" if shown else "assertion failed"
            )
        return ()

    def _shown(self, data: tuple[np.ndarray, ...]) -> Iterator[str]:
        for words, value in zip_longest(self.texts, data):
            yield from (f"[{text}]" for text in words or ())
            if value is not None:
                yield f"[{format_values(value, self.summarize)}]"

    def host(self, condition: np.ndarray, *data: np.ndarray) -> tuple:
        return self.reference(condition, *data)

    samples = [
        Sample("bool[]", "float32[3]", values={0: True}),
        Sample("bool[]", values={0: True}),
        Sample("bool[]", "string[2]", values={0: True}, texts=(("x = ",), ("behind",))),
        Refuses("int32[]", "condition must be bool, got int32[]"),
        Refuses("bool[2]", "condition must be a scalar, got bool[2]"),
    ]
