"""``tf.layers``' transposed convolutions: what a convolution passes back, as a layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from frontends.tf.functions import convolution
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import convert
from frontends.tf.layers.convolution import Windowed
from frontends.tf.layers.sliding import as_function
from frontends.tf.variables.initializers import zeros_initializer
from graphc.ir.graph import Tensor


def reached(
    sizes: Sequence[Any], window: Sequence[int], strides: Sequence[int], same: bool
) -> tuple[Any, ...]:
    """The sizes that a transposed convolution gives (None: not known)."""
    return tuple(
        None if size is None else size * step + (0 if same else max(k - step, 0))
        for size, k, step in zip(sizes, window, strides, strict=True)
    )


class Transposed(Windowed):
    """Each input's ``kernel`` added up where windows every ``strides`` overlap.

    The kernel is [*kernel_size, filters, channels].  "same" gives ``size * stride``, "valid" all
    that windows reach.
    """

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str | None = "channels_last", activation: Any = None, use_bias: bool = True,
        kernel_initializer: Any = None, bias_initializer: Any = zeros_initializer,
        kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Callable | None = None,
        bias_constraint: Callable | None = None, trainable: bool = True, name: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            filters, kernel_size, strides, padding, data_format, 1, activation, use_bias,
            bias_initializer, bias_regularizer, bias_constraint, trainable=trainable, name=name,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.kernel_initializer, self.kernel_regularizer = kernel_initializer, kernel_regularizer
        self.kernel_constraint = kernel_constraint
        self.kernel: Any = None

    def build(self, input_shape: Any) -> None:
        channels = self.channels_of(input_shape)
        self.kernel = self.own_weight("kernel", [*self.kernel_size, self.filters, channels])
        self.add_bias()
        self.built = True

    def places(self, sizes: tuple[Any, ...]) -> tuple[Any, ...]:
        return reached(sizes, self.kernel_size, self.strides, self.padding == "same")

    def product(self, inputs: Tensor) -> Tensor:
        sizes = inputs.type.dims
        shape = self.outer(sizes[0], self.places(self.inner(sizes)), self.filters)
        back = convolution.conv2d_transpose if self.spatial == 2 else convolution.conv3d_transpose
        return back(
            inputs, convert(self.kernel), TensorShape(shape), self.strides, self.padding.upper(),
            self.letters,
        )  # fmt: skip


class Conv2DTranspose(Transposed):
    """A transposed convolution of pictures [batch, rows, columns, channels]."""

    spatial = 2


class Conv3DTranspose(Transposed):
    """A transposed convolution of volumes [batch, depth, rows, columns, channels]."""

    spatial = 3


_SAYS = """What a convolution of {what} with these arguments passes back: larger {what}.

    inputs: floating {shape}, the channels known -> ``size * strides`` ("same") or all that windows
    reach ("valid"), with ``filters`` channels.  Makes ``name/kernel`` [*kernel_size, filters,
    channels] and ``name/bias``; with ``reuse`` it shares them.
    """
conv2d_transpose = as_function(
    Conv2DTranspose, "conv2d_transpose",
    _SAYS.format(what="pictures", shape="[batch, rows, columns, channels]"),
)  # fmt: skip
conv3d_transpose = as_function(
    Conv3DTranspose, "conv3d_transpose",
    _SAYS.format(what="volumes", shape="[batch, depth, rows, columns, channels]"),
)  # fmt: skip
