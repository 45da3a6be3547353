"""Running sums, products and log-sum-exps along an axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontends.tf.functions.math import axes_of
from frontends.tf.graph.tensor import builder, convert
from graphc.ir.graph import Tensor


def _scan(op: str, public: str, formula: str) -> Callable[..., Tensor]:
    def scan(
        x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False,
        name: str | None = None,
    ) -> Tensor:  # fmt: skip
        value = convert(x)
        how = {"exclusive": bool(exclusive), "reverse": bool(reverse)}
        return getattr(builder(value), op)(value, axis=axes_of(axis), name=name, **how)

    scan.__name__ = scan.__qualname__ = public
    scan.__doc__ = (
        f"{formula} of the elements up to each one along ``axis``.\n\n"
        "``exclusive`` leaves out the element itself, ``reverse`` goes from the end."
    )
    return scan


cumsum = _scan("cumsum", "cumsum", "The sum")
cumprod = _scan("cumprod", "cumprod", "The product")
cumulative_logsumexp = _scan(
    "cumulative_logsumexp", "cumulative_logsumexp", "``log(sum(exp(x)))``, stably,"
)
