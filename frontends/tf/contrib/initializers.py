"""The initializers of ``tf.contrib.layers``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from frontends.tf.variables.initializers import Initializer, fans
from graphc.ir.dtype import as_dtype, float32
from graphc.ir.graph import Tensor

# What a standard deviation is raised by before the normal numbers beyond two are cut, as TF1 has
# it: the exact square is 1.2925.
_CUT = 1.3


class ContribVarianceScaling(Initializer):
    """Random weights of variance ``factor / n``; n counts a weight's inputs (``FAN_IN``), its
    outputs (``FAN_OUT``), or the mean of both (``FAN_AVG``)."""

    def __init__(
        self, factor: float = 2.0, mode: str = "FAN_IN", uniform: bool = False,
        seed: int | None = None, dtype: Any = float32,
    ) -> None:  # fmt: skip
        if not as_dtype(dtype).is_floating:
            raise TypeError(f"the initializer makes floating numbers, dtype is {as_dtype(dtype)}")
        if mode not in ("FAN_IN", "FAN_OUT", "FAN_AVG"):
            raise TypeError(f"mode is FAN_IN, FAN_OUT or FAN_AVG, got {mode!r}")
        self.factor, self.mode, self.uniform = factor, mode, uniform
        self.seed, self.dtype = seed, as_dtype(dtype)

    def __call__(
        self, shape: Sequence[int], dtype: Any = None, partition_info: Any = None
    ) -> Tensor:
        from frontends.tf.functions.random import random_uniform, truncated_normal

        wanted = as_dtype(dtype or self.dtype)
        if not wanted.is_floating:
            raise TypeError(f"the initializer makes floating numbers, dtype is {wanted}")
        fan_in, fan_out = fans(shape)
        count = {"FAN_IN": fan_in, "FAN_OUT": fan_out, "FAN_AVG": (fan_in + fan_out) / 2}[self.mode]
        if self.uniform:
            limit = math.sqrt(3.0 * self.factor / count)
            return random_uniform(shape, -limit, limit, wanted, self.seed)
        return truncated_normal(
            shape, 0.0, math.sqrt(_CUT * self.factor / count), wanted, self.seed
        )


variance_scaling_initializer = ContribVarianceScaling


def xavier_initializer(
    uniform: bool = True, seed: int | None = None, dtype: Any = float32
) -> ContribVarianceScaling:
    """Random weights of variance ``2 / (inputs + outputs)`` (Glorot and Bengio, 2010)."""
    return ContribVarianceScaling(1.0, "FAN_AVG", uniform, seed, dtype)


xavier_initializer_conv2d = xavier_initializer
