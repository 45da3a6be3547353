"""``tf.layers``' pooling: layers without variables that take the largest or mean of windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from frontends.tf.functions import pooling
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.layers.layer import InputSpec, Layer
from frontends.tf.layers.sliding import as_function, format_of, letters, numbers, padding_of
from graphc.ir.graph import Tensor
from graphc.ops.shaping.patches import window_places


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
        self.pool_size = numbers(pool_size, self.spatial, "pool_size")
        steps = pool_size if strides is None else strides
        self.strides = numbers(steps, self.spatial, "strides")
        self.padding, self.data_format = padding_of(padding), format_of(data_format)
        self.input_spec = InputSpec(ndim=self.spatial + 2)

    def call(self, inputs: Tensor) -> Tensor:
        axes = "" if self.spatial == 2 else f"{self.spatial}d"
        pool = getattr(pooling, f"{self.kind}_pool{axes}")
        format = letters(self.data_format, self.spatial)
        return pool(inputs, self.pool_size, self.strides, self.padding.upper(), format)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
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


_SAYS = """The {what} of each window of {shape}.

    ``pool_size`` and ``strides`` are one number for all axes, or one for each; padding "valid"
    takes windows inside, "same" ``size / strides`` of them (rounded up).

    >>> {example}
    """
_SHAPES = ("[batch, steps, channels]", "[batch, rows, columns, channels]",
           "[batch, depth, rows, columns, channels]")  # fmt: skip


def _function(layer: type[_Pooling], name: str) -> Callable[..., Tensor]:
    what = "largest" if layer.kind == "max" else "mean"
    example = f"tf.layers.{name}(x, pool_size=2, strides=2)"
    says = _SAYS.format(what=what, shape=_SHAPES[layer.spatial - 1], example=example)
    return as_function(layer, name, says, reuse=False)


max_pooling1d = _function(MaxPooling1D, "max_pooling1d")
max_pooling2d = _function(MaxPooling2D, "max_pooling2d")
max_pooling3d = _function(MaxPooling3D, "max_pooling3d")
average_pooling1d = _function(AveragePooling1D, "average_pooling1d")
average_pooling2d = _function(AveragePooling2D, "average_pooling2d")
average_pooling3d = _function(AveragePooling3D, "average_pooling3d")
