"""LSTMs whose gates are convolutions (Shi et al., "Convolutional LSTM Network", 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frontends.tf.functions.arrays import concat, split
from frontends.tf.functions.convolution import conv1d, conv2d, conv3d
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder
from frontends.tf.rnn.cell import RNNCell
from frontends.tf.rnn.cells import LSTMStateTuple
from frontends.tf.variables.initializers import constant_initializer
from frontends.tf.variables.variable_getting import get_variable
from graphc.ir.graph import Tensor


class ConvLSTMCell(RNNCell):
    """Long short-term memory over ``[batch, *input_shape]``, whose gates are one convolution of the
    inputs and the output before, of ``kernel_shape``.

    With ``skip_connection`` the inputs are joined to the output; the state holds the output without
    them.
    """

    def __init__(
        self,
        conv_ndims: int,
        input_shape: Sequence[int],
        output_channels: int,
        kernel_shape: Sequence[int],
        use_bias: bool = True,
        skip_connection: bool = False,
        forget_bias: float = 1.0,
        initializers: Any = None,
        name: str = "conv_lstm_cell",
    ) -> None:
        super().__init__(name=name)
        if conv_ndims != len(input_shape) - 1:
            raise ValueError(f"Invalid input_shape {input_shape} for conv_ndims={conv_ndims}.")
        self._ndims, self._input_shape = conv_ndims, list(input_shape)
        self._channels, self._kernel_shape = output_channels, list(kernel_shape)
        self._use_bias, self._skips = use_bias, skip_connection
        self._forget_bias = forget_bias

    @property
    def state_size(self) -> LSTMStateTuple:
        size = TensorShape([*self._input_shape[:-1], self._channels])
        return LSTMStateTuple(size, size)

    @property
    def output_size(self) -> TensorShape:
        more = self._input_shape[-1] if self._skips else 0
        return TensorShape([*self._input_shape[:-1], self._channels + more])

    def call(self, inputs: Tensor, state: Any) -> tuple[Tensor, LSTMStateTuple]:
        b, (c, h) = builder(inputs), state
        i, j, f, o = split(self._convolved([inputs, h]), 4, self._ndims + 1)
        new_c = b.sigmoid(f + self._forget_bias) * c + b.sigmoid(i) * b.tanh(j)
        new_h = b.tanh(new_c) * b.sigmoid(o)
        output = concat([new_h, inputs], -1) if self._skips else new_h
        return output, LSTMStateTuple(new_c, new_h)

    def _convolved(self, parts: list[Tensor]) -> Tensor:
        joined = concat(parts, self._ndims + 1)
        depth, gates = TensorShape(joined.type.shape).as_list()[-1], 4 * self._channels
        kernel = get_variable("kernel", [*self._kernel_shape, depth, gates], joined.dtype)
        made = (conv1d, conv2d, conv3d)[self._ndims - 1](
            joined, kernel, 1 if self._ndims == 1 else [1] * (self._ndims + 2), padding="SAME"
        )
        if not self._use_bias:
            return made
        start = constant_initializer(0.0, dtype=joined.dtype)
        return made + get_variable("biases", [gates], joined.dtype, start)


class Conv1DLSTMCell(ConvLSTMCell):
    """:class:`ConvLSTMCell` over ``[batch, width, channels]``."""

    def __init__(self, name: str = "conv_1d_lstm_cell", **kwargs: Any) -> None:
        super().__init__(conv_ndims=1, name=name, **kwargs)


class Conv2DLSTMCell(ConvLSTMCell):
    """:class:`ConvLSTMCell` over ``[batch, height, width, channels]``."""

    def __init__(self, name: str = "conv_2d_lstm_cell", **kwargs: Any) -> None:
        super().__init__(conv_ndims=2, name=name, **kwargs)


class Conv3DLSTMCell(ConvLSTMCell):
    """:class:`ConvLSTMCell` over ``[batch, depth, height, width, channels]``."""

    def __init__(self, name: str = "conv_3d_lstm_cell", **kwargs: Any) -> None:
        super().__init__(conv_ndims=3, name=name, **kwargs)
