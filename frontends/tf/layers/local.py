"""Locally connected layers: windows that slide, with weights of their own at every place.

TF1 has them in ``tf.keras.layers``; the functions are graphc's.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from frontends.tf.functions.contractions import einsum
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.layers.convolution import Windowed
from frontends.tf.layers.sliding import as_function
from graphc.errors import ShapeError
from graphc.ir.dims import product
from graphc.ir.graph import Tensor
from graphc.ir.source import here


class LocallyConnected(Windowed):
    """``activation(sum of each window times the kernel of its place + the bias of its place)``.

    The sizes must be known.  The kernel is [places, window * channels, filters], the bias
    [*places, filters] with ``filters`` last in either format.  ``padding="same"`` pads with zeros.
    """

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str | None = None, activation: Any = None, use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
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
        sizes = self.inner(input_shape.as_list())
        if None in sizes:
            raise ShapeError(
                f"the sizes of the inputs must be known, got {list(sizes)}",
                subject=f"{self._default_name()} '{self.name}'",
                site=here(),
            )
        places = self.places(sizes)
        each = channels * prod(self.kernel_size)
        self.kernel = self.own_weight("kernel", [prod(places), each, self.filters])
        if self.use_bias:
            self.bias = self.own_weight("bias", [*places, self.filters])
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        b = builder(inputs)
        y = einsum("nqp,qpo->nqo", self._patches(inputs), convert(self.kernel))
        places = self.places(self.inner(inputs.type.dims))
        y = b.reshape(y, shape=(y.type.dims[0], *places, self.filters))
        bias = None if self.bias is None else convert(self.bias)
        if self.data_format == "channels_first":
            y = b.transpose(y, perm=(0, self.spatial + 1, *range(1, self.spatial + 1)))
            if bias is not None:  # read in this order by Keras, though it has the other shape
                bias = b.reshape(bias, shape=(self.filters, *places))
        if bias is not None:
            y = b.add(y, bias)
        return self.activation(y) if self.activation is not None else y

    def _patches(self, inputs: Tensor) -> Tensor:
        """What each window sees: [batch, places, window * channels]."""
        b, first = builder(inputs), self.data_format == "channels_first"
        x = b.transpose(inputs, perm=(0, *range(2, self.spatial + 2), 1)) if first else inputs
        window, strides = self.kernel_size, self.strides
        if self.spatial == 1:
            x, window, strides = b.expand_dims(x, axis=1), (1, *window), (1, *strides)
        seen = b.image_patches(x, window=window, strides=strides, same=self.padding == "same")
        if first:  # a window's elements are counted channel by channel
            seen = b.transpose(seen, perm=(0, 1, 2, 5, 3, 4))
        n, rows, columns, *each = seen.type.dims
        return b.reshape(seen, shape=(n, rows * columns, product(each)))


class LocallyConnected1D(LocallyConnected):
    """Windows over sequences [batch, steps, channels] with weights of their own at every place."""

    spatial = 1


class LocallyConnected2D(LocallyConnected):
    """Windows over pictures [batch, rows, columns, channels] with weights of their own at every
    place."""

    spatial = 2


_SAYS = """Windows over {what} with weights of their own at every place: bias, activation.

    inputs: floating {shape}, the sizes known -> the places windows stand at, with ``filters``
    channels.  Makes ``name/kernel`` [places, window * channels, filters] and ``name/bias``
    [*places, filters]; with ``reuse`` it shares them.  Not in TF1, where this is
    ``tf.keras.layers.{layer}``.

    >>> {example}
    """
locally_connected1d = as_function(
    LocallyConnected1D, "locally_connected1d",
    _SAYS.format(what="sequences", shape="[batch, steps, channels]", layer="LocallyConnected1D",
                 example="tf.layers.locally_connected1d(x, 4, 3)"),
)  # fmt: skip
locally_connected2d = as_function(
    LocallyConnected2D, "locally_connected2d",
    _SAYS.format(what="pictures", shape="[batch, rows, columns, channels]",
                 layer="LocallyConnected2D",
                 example='tf.layers.locally_connected2d(x, 1, 3, strides=2, padding="same")'),
)  # fmt: skip
