"""``tf.layers``: functions that make their variables, and the classes behind them."""

from __future__ import annotations

from typing import Any

from frontends.tf.layers.dense import Dense, dense
from frontends.tf.layers.layer import InputSpec, Layer
from frontends.tf.layers.normalization import BatchNorm, BatchNormalization, batch_normalization
from frontends.tf.layers.shaping import Dropout, Flatten, dropout, flatten

__all__ = [
    "BatchNorm", "BatchNormalization", "Dense", "Dropout", "Flatten", "InputSpec", "Layer",
    "batch_normalization", "dense", "dropout", "flatten",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    from frontends.tf.names import elsewhere

    return elsewhere("layers", name, lambda: __all__)
