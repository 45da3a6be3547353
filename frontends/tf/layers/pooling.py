"""``tf.layers``' pooling: layers without variables that take the largest or mean of windows."""

from __future__ import annotations

from typing import Any, ClassVar

from frontends.tf.functions import pooling
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.layers.layer import InputSpec, Layer
from graphc.errors import AttributeValueError
from graphc.ir.graph import Tensor
from graphc.ir.source import here

_FORMATS = ("channels_last", "channels_first")


class _Pooling(Layer):
    """Windows of ``pool_size`` every ``strides`` (default: side by side) along the spatial axes;
    each is one number for all axes, or one for each."""

    spatial: ClassVar[int]
    kind: ClassVar[str]

    def __init__(
        self,
        pool_size: Any,
        strides: Any,
        padding: str = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = self._numbers(pool_size, "pool_size")
        self.strides = self._numbers(pool_size if strides is None else strides, "strides")
        self.padding, self.data_format = padding.lower(), data_format.lower()
        if self.padding not in ("valid", "same"):
            raise ValueError(f"padding is valid or same, got {padding!r}")
        if self.data_format not in _FORMATS:
            raise ValueError(f"data_format is one of {', '.join(_FORMATS)}, got {data_format!r}")
        self.input_spec = InputSpec(ndim=self.spatial + 2)

    def _numbers(self, value: Any, what: str) -> tuple[int, ...]:
        found = (value,) * self.spatial if isinstance(value, int) else tuple(value)
        if len(found) != self.spatial or not all(isinstance(v, int) and v > 0 for v in found):
            raise AttributeValueError(
                f"{what} needs {self.spatial} positive integers, got {value!r}", site=here()
            )
        return found

    def call(self, inputs: Tensor) -> Tensor:
        axes = "" if self.spatial == 2 else f"{self.spatial}d"
        pool = getattr(pooling, f"{self.kind}_pool{axes}")
        letters = "DHW"[-self.spatial :]
        first = self.data_format == "channels_first"
        format = f"NC{letters}" if first else f"N{letters}C"
        return pool(inputs, self.pool_size, self.strides, self.padding.upper(), format)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        from graphc.ops.shaping.patches import window_places

        sizes: list = TensorShape(input_shape).as_list()
        start = 2 if self.data_format == "channels_first" else 1
        same = self.padding == "same"
        for axis, window, stride in zip(
            range(start, start + self.spatial), self.pool_size, self.strides, strict=True
        ):
            size: Any = sizes[axis]
            if size is not None:
                sizes[axis] = window_places(size, window, stride, 1, same)[0]
        return TensorShape(sizes)


class MaxPooling1D(_Pooling):
    """The largest of each window of [batch, steps, channels]."""

    spatial, kind = 1, "max"


class MaxPooling2D(_Pooling):
    """The largest of each window of [batch, rows, columns, channels]."""

    spatial, kind = 2, "max"


class MaxPooling3D(_Pooling):
    """The largest of each window of [batch, depth, rows, columns, channels]."""

    spatial, kind = 3, "max"


class AveragePooling1D(_Pooling):
    """The mean of each window of [batch, steps, channels]."""

    spatial, kind = 1, "avg"


class AveragePooling2D(_Pooling):
    """The mean of each window of [batch, rows, columns, channels]."""

    spatial, kind = 2, "avg"


class AveragePooling3D(_Pooling):
    """The mean of each window of [batch, depth, rows, columns, channels]."""

    spatial, kind = 3, "avg"


def max_pooling1d(
    inputs: Any, pool_size: Any, strides: Any, padding: str = "valid",
    data_format: str = "channels_last", name: str | None = None,
) -> Tensor:  # fmt: skip
    """The largest of each window of [batch, steps, channels]."""
    return MaxPooling1D(pool_size, strides, padding, data_format, name)(inputs)


def max_pooling2d(
    inputs: Any, pool_size: Any, strides: Any, padding: str = "valid",
    data_format: str = "channels_last", name: str | None = None,
) -> Tensor:  # fmt: skip
    """The largest of each window of [batch, rows, columns, channels].

    >>> tf.layers.max_pooling2d(x, pool_size=2, strides=2)
    """
    return MaxPooling2D(pool_size, strides, padding, data_format, name)(inputs)


def max_pooling3d(
    inputs: Any, pool_size: Any, strides: Any, padding: str = "valid",
    data_format: str = "channels_last", name: str | None = None,
) -> Tensor:  # fmt: skip
    """The largest of each window of [batch, depth, rows, columns, channels]."""
    return MaxPooling3D(pool_size, strides, padding, data_format, name)(inputs)


def average_pooling1d(
    inputs: Any, pool_size: Any, strides: Any, padding: str = "valid",
    data_format: str = "channels_last", name: str | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window of [batch, steps, channels]."""
    return AveragePooling1D(pool_size, strides, padding, data_format, name)(inputs)


def average_pooling2d(
    inputs: Any, pool_size: Any, strides: Any, padding: str = "valid",
    data_format: str = "channels_last", name: str | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window of [batch, rows, columns, channels]."""
    return AveragePooling2D(pool_size, strides, padding, data_format, name)(inputs)


def average_pooling3d(
    inputs: Any, pool_size: Any, strides: Any, padding: str = "valid",
    data_format: str = "channels_last", name: str | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window of [batch, depth, rows, columns, channels]."""
    return AveragePooling3D(pool_size, strides, padding, data_format, name)(inputs)
