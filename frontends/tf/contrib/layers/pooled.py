"""Pooling layers of contrib: windows with other defaults than ``tf.layers``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontends.tf.contrib.arg_scope import add_arg_scope
from frontends.tf.contrib.layers.shared import collected
from frontends.tf.functions.pooling import pool as pool_of
from frontends.tf.functions.windows import FORMATS
from frontends.tf.graph.tensor import builder, convert, known_rank
from frontends.tf.layers import pooling
from graphc.errors import AttributeValueError
from graphc.ir.graph import Tensor
from graphc.ir.source import here


def _pooling(name: str, layer: type[Any], title: str) -> Callable[..., Tensor]:
    """The function ``name`` that calls a layer of ``tf.layers`` in the name scope ``title``."""
    formats = FORMATS[layer.spatial]

    def apply(
        inputs: Any,
        kernel_size: Any,
        stride: Any = 2,
        padding: str = "VALID",
        data_format: str = formats[0],
        outputs_collections: Any = None,
        scope: str | None = None,
    ) -> Tensor:
        if data_format not in formats:
            raise AttributeValueError(
                f"data_format is one of {', '.join(formats)}, got {data_format!r}", site=here()
            )
        x = convert(inputs)
        channels = "channels_first" if data_format == formats[1] else "channels_last"
        with builder(x).home.name_scope(scope or title) as inner:
            y = layer(kernel_size, stride, padding, channels).call(x)
            return collected(y, outputs_collections, inner)

    what = "largest" if layer.kind == "max" else "mean"
    inputs = "pictures" if layer.spatial == 2 else "volumes"
    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"""The {what} of each window of {inputs}.

    >>> net = tf.contrib.layers.{name}(net, {[2] * layer.spatial})
    """
    return add_arg_scope(apply)


max_pool2d = _pooling("max_pool2d", pooling.MaxPooling2D, "MaxPool2D")
avg_pool2d = _pooling("avg_pool2d", pooling.AveragePooling2D, "AvgPool2D")
max_pool3d = _pooling("max_pool3d", pooling.MaxPooling3D, "MaxPool3D")
avg_pool3d = _pooling("avg_pool3d", pooling.AveragePooling3D, "AvgPool3D")


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
    with builder(x).home.name_scope(scope or f"{pooling_type.lower()}_pool") as inner:
        y = pool_of(x, sizes[0], pooling_type, padding, sizes[1], sizes[2], data_format=data_format)
        return collected(y, outputs_collections, inner)
