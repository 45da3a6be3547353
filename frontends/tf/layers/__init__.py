"""``tf.layers``: functions that make their variables, and the classes behind them."""

from __future__ import annotations

from typing import Any

from frontends.tf.layers.dense import Dense, dense
from frontends.tf.layers.layer import InputSpec, Layer
from frontends.tf.layers.normalization import BatchNorm, BatchNormalization, batch_normalization
from frontends.tf.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
    average_pooling1d,
    average_pooling2d,
    average_pooling3d,
    max_pooling1d,
    max_pooling2d,
    max_pooling3d,
)
from frontends.tf.layers.shaping import Dropout, Flatten, dropout, flatten

__all__ = [
    "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "BatchNorm", "BatchNormalization",
    "Dense", "Dropout", "Flatten", "InputSpec", "Layer", "MaxPooling1D", "MaxPooling2D",
    "MaxPooling3D", "average_pooling1d", "average_pooling2d", "average_pooling3d",
    "batch_normalization", "dense", "dropout", "flatten", "max_pooling1d", "max_pooling2d",
    "max_pooling3d",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    from frontends.tf.names.missing import elsewhere

    return elsewhere("layers", name, lambda: __all__)
