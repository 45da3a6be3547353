"""Pooling layers of contrib: windows with other defaults than ``tf.layers``."""

from __future__ import annotations

from typing import Any

from frontends.tf.contrib.arg_scope import add_arg_scope
from frontends.tf.contrib.layers.shared import collected
from frontends.tf.functions.pooling import pool as pool_of
from frontends.tf.graph.tensor import builder, convert, known_rank
from frontends.tf.layers import pooling
from graphc.ir.graph import Tensor


def _layer(
    kind: str, inputs: Any, kernel_size: Any, stride: Any, padding: str, data_format: str,
    outputs_collections: Any, scope: str | None,
) -> Tensor:  # fmt: skip
    x = convert(inputs)
    spatial = len(data_format or "") - 2
    channels = "channels_first" if data_format in ("NCHW", "NCDHW") else "channels_last"
    allowed = ("NCHW", "NHWC") if kind.endswith("2D") else ("NCDHW", "NDHWC")
    if data_format not in allowed:
        raise ValueError(f"data_format is one of {', '.join(allowed)}, got {data_format!r}")
    title = f"{'Max' if kind.startswith('Max') else 'Avg'}Pool{spatial}D"
    with builder(x).home.name_scope(scope or title):
        layer = getattr(pooling, kind)(kernel_size, stride, padding, channels)
        return collected(layer.call(x), outputs_collections)


@add_arg_scope
def max_pool2d(
    inputs: Any, kernel_size: Any, stride: Any = 2, padding: str = "VALID",
    data_format: str = "NHWC", outputs_collections: Any = None, scope: str | None = None,
) -> Tensor:  # fmt: skip
    """The largest of each window of pictures.

    >>> net = tf.contrib.layers.max_pool2d(net, [2, 2])
    """
    how = (stride, padding, data_format, outputs_collections, scope)
    return _layer("MaxPooling2D", inputs, kernel_size, *how)


@add_arg_scope
def avg_pool2d(
    inputs: Any, kernel_size: Any, stride: Any = 2, padding: str = "VALID",
    data_format: str = "NHWC", outputs_collections: Any = None, scope: str | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window of pictures."""
    how = (stride, padding, data_format, outputs_collections, scope)
    return _layer("AveragePooling2D", inputs, kernel_size, *how)


@add_arg_scope
def max_pool3d(
    inputs: Any, kernel_size: Any, stride: Any = 2, padding: str = "VALID",
    data_format: str = "NDHWC", outputs_collections: Any = None, scope: str | None = None,
) -> Tensor:  # fmt: skip
    """The largest of each window of volumes."""
    how = (stride, padding, data_format, outputs_collections, scope)
    return _layer("MaxPooling3D", inputs, kernel_size, *how)


@add_arg_scope
def avg_pool3d(
    inputs: Any, kernel_size: Any, stride: Any = 2, padding: str = "VALID",
    data_format: str = "NDHWC", outputs_collections: Any = None, scope: str | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window of volumes."""
    how = (stride, padding, data_format, outputs_collections, scope)
    return _layer("AveragePooling3D", inputs, kernel_size, *how)


@add_arg_scope
def pool(
    inputs: Any, kernel_size: Any, pooling_type: str, padding: str = "VALID",
    data_format: str | None = None, dilation_rate: Any = 1, stride: Any = 1,
    outputs_collections: Any = None, scope: str | None = None,
) -> Tensor:  # fmt: skip
    """``tf.nn.pool`` with as many spatial axes as ``inputs`` has."""
    x = convert(inputs)
    count = known_rank(x, "pool") - 2
    sizes = [
        [value] * count if isinstance(value, int) else list(value)
        for value in (kernel_size, dilation_rate, stride)
    ]
    with builder(x).home.name_scope(scope or f"{pooling_type.lower()}_pool"):
        y = pool_of(x, sizes[0], pooling_type, padding, sizes[1], sizes[2], data_format=data_format)
        return collected(y, outputs_collections)
