"""``tf.layers``: functions that make their variables, and the classes behind them.

Names load on first use (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# file: the public names it owns
_OWNERS = {
    "connected": "Dense dense",
    "convolution": "Conv1D Conv2D Conv3D conv1d conv2d conv3d",
    "layer": "InputSpec Layer",
    "local": "LocallyConnected1D LocallyConnected2D locally_connected1d locally_connected2d",
    "normalization": "BatchNorm BatchNormalization batch_normalization",
    "pooling": (
        "AveragePooling1D AveragePooling2D AveragePooling3D MaxPooling1D MaxPooling2D MaxPooling3D "
        "average_pooling1d average_pooling2d average_pooling3d max_pooling1d max_pooling2d "
        "max_pooling3d"
    ),
    "separable": "SeparableConv1D SeparableConv2D separable_conv1d separable_conv2d",
    "shaping": "Dropout Flatten dropout flatten",
    "transposed": "Conv2DTranspose Conv3DTranspose conv2d_transpose conv3d_transpose",
}
_NAMES = {name: owner for owner, names in _OWNERS.items() for name in names.split()}

__all__ = sorted(_NAMES)


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        value = getattr(import_module(f"frontends.tf.layers.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    from frontends.tf.names.missing import elsewhere

    return elsewhere("layers", name, __dir__)


def __dir__() -> list[str]:
    return __all__
