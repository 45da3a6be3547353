"""Drawing candidate classes: the few that a sampled loss compares the true ones with."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphc.ir.dtype import float64, int64
from graphc.ir.op import REQUIRED, Kind, NotDifferentiable, Op, Refuses, Sample
from graphc.ir.types import Mismatch, TensorType
from graphc.ops.drawing.philox import random_words
from graphc.ops.drawing.random import STATE, check_state

DISTRIBUTIONS = ("uniform", "log_uniform", "table")
AT_ONCE = 64  # draws whose random words the reference makes together


class DrawClasses(Op):
    """``y, tries``: ``count`` classes below ``classes`` (distinct ones if ``unique``), and how many
    draws that took.

    ``distribution`` is ``uniform``; ``log_uniform``, where class k has probability
    ``log((k + 2) / (k + 1)) / log(classes + 1)``; or ``table``, where class k has the share
    ``table[k] - table[k - 1]`` of the last entry of ``table``.  The other two take an empty table.
    """

    operands = ("state", "table")
    attributes = {
        "count": REQUIRED, "classes": REQUIRED, "unique": True, "distribution": "uniform",
    }  # fmt: skip
    kind = Kind.OPAQUE
    vjp = NotDifferentiable("it is a random draw")

    def infer_type(self, state: TensorType, table: TensorType) -> tuple[TensorType, TensorType]:
        check_state(state)
        if table.dtype is not float64 or (table.shape is not None and len(table.shape) != 1):
            raise Mismatch(f"table must be float64[n], got {table}")
        if self.distribution not in DISTRIBUTIONS:
            raise Mismatch(f"there is no distribution {self.distribution!r}")
        if self.classes < 1 or self.count < 0:
            raise Mismatch(f"cannot draw {self.count} of {self.classes} classes")
        if self.unique and self.count > self.classes:
            raise Mismatch(f"there are no {self.count} distinct ones among {self.classes} classes")
        return TensorType(int64, (self.count,)), TensorType(int64, (1,))

    def reference(self, state: np.ndarray, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        drawn: list[int] = []
        seen: set[int] = set()
        tries = 0
        words = np.empty(0, np.uint32)
        while len(drawn) < self.count:
            if 2 * tries >= len(words):
                words = random_words(state, 2 * len(words) + 2 * AT_ONCE)
            high, low = (
                float(int(word) >> 8) * 2.0**-24 for word in words[2 * tries : 2 * tries + 2]
            )
            tries += 1
            k = min(self.picked(high + low * 2.0**-24, table), self.classes - 1)
            if not (self.unique and k in seen):
                seen.add(k)
                drawn.append(k)
        return np.array(drawn, np.int64), np.array([tries], np.int64)

    def picked(self, u: float, table: np.ndarray) -> int:
        """The class for a number in [0, 1)."""
        match self.distribution:
            case "uniform":
                return int(u * self.classes)
            case "log_uniform":
                return int(math.exp(u * math.log(self.classes + 1))) - 1
        return int(np.searchsorted(table, u * table[-1], side="right"))

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.candidates import lower_draw_classes

        return lower_draw_classes(node)

    samples = [
        Sample("uint64[2]", "float64[0]", values={0: STATE}, count=6, classes=50),
        Sample("uint64[2]", "float64[0]", values={0: STATE}, count=20, classes=20),
        Sample("uint64[2]", "float64[0]", values={0: STATE}, count=9, classes=4, unique=False),
        Sample("uint64[2]", "float64[0]", values={0: STATE}, count=8, classes=100,
               distribution="log_uniform"),
        Sample("uint64[2]", "float64[0]", values={0: STATE}, count=5, classes=3, unique=False,
               distribution="log_uniform"),
        Sample("uint64[2]", "float64[4]", values={0: STATE, 1: [1.0, 1.0, 3.0, 4.5]}, count=3,
               classes=4, distribution="table"),
        Sample("uint64[2]", "float64[0]", values={0: STATE}, count=0, classes=1),
        Refuses("uint64[2]", "float64[0]",
                "there are no 5 distinct ones among 4 classes", count=5, classes=4),
        Refuses("int32[2]", "float64[0]", "state must be uint64[2], got int32[2]", count=1,
                classes=4),
        Refuses("uint64[2]", "float32[4]", "table must be float64[n], got float32[4]", count=1,
                classes=4, distribution="table"),
    ]  # fmt: skip
