"""``tf.layers``' separable convolutions: each channel on its own, then all of them mixed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontends.tf.functions import convolution
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.layers.convolution import Windowed, delayed
from frontends.tf.layers.sliding import as_function, numbers
from frontends.tf.variables.initializers import zeros_initializer
from graphc.ir.graph import Tensor


class Separable(Windowed):
    """``depth_multiplier`` filters of each channel's own, then a product of channels."""

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str | None = "channels_last", dilation_rate: Any = 1,
        depth_multiplier: int = 1, activation: Any = None, use_bias: bool = True,
        depthwise_initializer: Any = None, pointwise_initializer: Any = None,
        bias_initializer: Any = zeros_initializer, depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, depthwise_constraint: Callable | None = None,
        pointwise_constraint: Callable | None = None, bias_constraint: Callable | None = None,
        trainable: bool = True, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, activation,
            use_bias, bias_initializer, bias_regularizer, bias_constraint, trainable=trainable,
            name=name, activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.depth_multiplier = numbers(depth_multiplier, 1, "depth_multiplier")[0]
        self.depthwise_initializer = depthwise_initializer
        self.pointwise_initializer = pointwise_initializer
        self.depthwise_regularizer = depthwise_regularizer
        self.pointwise_regularizer = pointwise_regularizer
        self.depthwise_constraint = depthwise_constraint
        self.pointwise_constraint = pointwise_constraint
        self.depthwise_kernel: Any = None
        self.pointwise_kernel: Any = None

    def build(self, input_shape: Any) -> None:
        channels = self.channels_of(input_shape)
        own = [*self.kernel_size, channels, self.depth_multiplier]
        self.depthwise_kernel = self.own_weight("depthwise_kernel", own)
        wide = [*(1,) * self.spatial, channels * self.depth_multiplier, self.filters]
        self.pointwise_kernel = self.own_weight("pointwise_kernel", wide)
        self.add_bias()
        self.built = True

    def product(self, inputs: Tensor) -> Tensor:
        kernels = convert(self.depthwise_kernel), convert(self.pointwise_kernel)
        return self._separable(inputs, kernels, self.strides, self.dilation_rate)

    def _separable(
        self, inputs: Tensor, kernels: tuple[Tensor, Tensor], strides: Any, rates: Any
    ) -> Tensor:
        padding = "SAME" if self.padding == "same" else "VALID"
        format = "NCHW" if self.data_format == "channels_first" else "NHWC"
        own, mixing = kernels
        return convolution.separable_conv2d(
            inputs, own, mixing, strides, padding, rates, data_format=format
        )


class SeparableConv1D(Separable):
    """A separable convolution of sequences [batch, steps, channels]."""

    spatial = 1
    paddings = ("valid", "same", "causal")

    def product(self, inputs: Tensor) -> Tensor:
        given = delayed(self, inputs) if self.padding == "causal" else inputs
        b = builder(inputs)
        axis = 2 if self.data_format == "channels_first" else 1
        own, mixing = (
            b.expand_dims(convert(kernel), axis=0)
            for kernel in (self.depthwise_kernel, self.pointwise_kernel)
        )
        rows = b.expand_dims(given, axis=axis)
        y = self._separable(rows, (own, mixing), (1, *self.strides), (1, *self.dilation_rate))
        return b.squeeze(y, axis=(axis,))


class SeparableConv2D(Separable):
    """A separable convolution of pictures [batch, rows, columns, channels]."""

    spatial = 2


_SAYS = """Each channel of {what} convolved with its own filters, then all mixed: bias, activation.

    inputs: floating {shape}, the channels known -> ``filters`` channels.  Makes
    ``name/depthwise_kernel`` [*kernel_size, channels, depth_multiplier], ``name/pointwise_kernel``
    and ``name/bias``; with ``reuse`` it shares them.
    """
separable_conv1d = as_function(
    SeparableConv1D, "separable_conv1d",
    _SAYS.format(what="sequences", shape="[batch, steps, channels]"),
)  # fmt: skip
separable_conv2d = as_function(
    SeparableConv2D, "separable_conv2d",
    _SAYS.format(what="pictures", shape="[batch, rows, columns, channels]"),
)  # fmt: skip
