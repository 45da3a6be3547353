"""The parts of ``tf.contrib`` that much TF1 code uses for dense models: ``tf.contrib.layers``."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from frontends.tf import layers as _layers
from frontends.tf.initializers import VarianceScaling, xavier_initializer
from frontends.tf.tensor import builder, convert
from graphc.ir.graph import Tensor


def l2_regularizer(scale: float, scope: str | None = None) -> Callable[[Any], Tensor | None]:
    """``weights -> scale * sum(weights**2) / 2``; None for scale 0."""

    def l2(weights: Any) -> Tensor | None:
        if scale == 0.0:
            return None
        x = convert(weights)
        return builder(x).mul(builder(x).l2_loss(x), float(scale), name=scope or "l2_regularizer")

    return l2


def l1_regularizer(scale: float, scope: str | None = None) -> Callable[[Any], Tensor | None]:
    """``weights -> scale * sum(|weights|)``; None for scale 0."""

    def l1(weights: Any) -> Tensor | None:
        if scale == 0.0:
            return None
        x = convert(weights)
        b = builder(x)
        total = b.reduce_sum(b.abs(x), axis=None)
        return b.mul(total, float(scale), name=scope or "l1_regularizer")

    return l1


def variance_scaling_initializer(
    factor: float = 2.0, mode: str = "FAN_IN", uniform: bool = False, seed: int | None = None,
    dtype: Any = "float32",
) -> VarianceScaling:  # fmt: skip
    """Random weights of variance ``factor / n`` (He et al. by default)."""
    distribution = "uniform" if uniform else "truncated_normal"
    return VarianceScaling(factor, mode.lower(), distribution, seed, dtype)


def flatten(inputs: Any, outputs_collections: Any = None, scope: str | None = None) -> Tensor:
    """All axes after the first as one."""
    return _layers.flatten(inputs, name=scope)


def _module(name: str, **members: Any) -> ModuleType:
    from frontends.tf.names import missing

    module = ModuleType(f"tf.contrib.{name}")
    module.__dict__.update(members)

    def absent(wanted: str) -> Any:
        raise missing(f"contrib.{name}", wanted, members)

    module.__getattr__ = absent  # type: ignore[method-assign]
    return module


layers = _module(
    "layers",
    flatten=flatten,
    l1_regularizer=l1_regularizer,
    l2_regularizer=l2_regularizer,
    variance_scaling_initializer=variance_scaling_initializer,
    xavier_initializer=xavier_initializer,
    xavier_initializer_conv2d=xavier_initializer,
)


def __getattr__(name: str) -> Any:
    from frontends.tf.names import missing

    raise missing("contrib", name, ["layers"])
