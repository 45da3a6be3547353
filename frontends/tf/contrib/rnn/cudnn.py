"""``tf.contrib.cudnn_rnn``: networks of several layers in one call, as cuDNN has them.

The variables are those of the compatible cells, by the names under which TensorFlow's checkpoints
of these layers have them, so that such a checkpoint is read here and one of ours there.
"""

from __future__ import annotations

from typing import Any

from frontends.tf.contrib.rnn.block import CudnnCompatibleGRUCell, CudnnCompatibleLSTMCell
from frontends.tf.functions.arrays import concat, stack
from frontends.tf.functions.moving import reverse, reverse_sequence
from frontends.tf.graph.tensor import convert
from frontends.tf.layers.layer import Layer
from frontends.tf.networks.nn import dropout
from frontends.tf.rnn.cells import BasicRNNCell, LSTMStateTuple
from frontends.tf.rnn.networks import dynamic_rnn, swapped
from frontends.tf.variables.scopes import variable_scope
from graphc.ir.dtype import as_dtype
from graphc.ir.graph import Tensor

LINEAR_INPUT, AUTO_SELECT = "linear_input", "auto_select"
ONE_WAY, BOTH_WAYS = "unidirectional", "bidirectional"


class _CudnnRNN(Layer):
    """Layers along time, and against it if ``direction`` is "bidirectional"; ``dropout`` is of what
    goes from layer to layer while ``training``.  ``input_mode`` must be "linear_input" (or
    "auto_select")."""

    title: str

    def __init__(
        self,
        num_layers: int,
        num_units: int,
        input_mode: str = LINEAR_INPUT,
        direction: str = ONE_WAY,
        dropout: float = 0.0,
        seed: int | None = None,
        dtype: Any = "float32",
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, name=name or self.title)
        if direction not in (ONE_WAY, BOTH_WAYS):
            raise ValueError(f"direction must be {ONE_WAY!r} or {BOTH_WAYS!r}, got {direction!r}")
        if input_mode not in (LINEAR_INPUT, AUTO_SELECT):
            raise ValueError(f"input_mode must be {LINEAR_INPUT!r}, got {input_mode!r}")
        if not 0.0 <= dropout < 1.0:
            raise ValueError(f"dropout must be in [0, 1), got {dropout}")
        self.num_layers, self.num_units, self.direction = num_layers, num_units, direction
        self.input_mode, self._dropout, self._seed = input_mode, dropout, seed
        self._kernel_initializer, self._bias_initializer = kernel_initializer, bias_initializer

    @property
    def num_dirs(self) -> int:
        """How many ways it goes along time."""
        return 2 if self.direction == BOTH_WAYS else 1

    def state_shape(self, batch_size: Any) -> tuple:
        """The shapes of the states."""
        return ([self.num_layers * self.num_dirs, batch_size, self.num_units],)

    def _cell(self) -> Any:
        raise NotImplementedError

    def call(
        self,
        inputs: Tensor,
        initial_state: Any = None,
        sequence_lengths: Any = None,
        time_major: bool = True,
        training: bool = True,
    ) -> tuple[Tensor, tuple]:
        if inputs.type.rank != 3:
            raise ValueError(f"inputs are of 3 axes, time, batch and size, got {inputs.type}")
        starts = None if initial_state is None else [convert(part) for part in initial_state]
        x, ends = inputs if time_major else swapped(inputs), []
        for layer in range(self.num_layers):
            if layer and training and self._dropout:
                x = dropout(x, 1.0 - self._dropout, seed=self._seed)
            made = []
            for way in range(self.num_dirs):
                at = layer * self.num_dirs + way
                start = None if starts is None else self._packed([part[at] for part in starts])
                outputs, end = self._along(layer, way, x, sequence_lengths, start)
                made.append(outputs)
                ends.append(self._unpacked(end))
            x = made[0] if len(made) == 1 else concat(made, 2)
        states = tuple(stack(list(part)) for part in zip(*ends, strict=True))
        return x if time_major else swapped(x), states

    def _along(
        self, layer: int, way: int, rows: Tensor, lengths: Any, start: Any
    ) -> tuple[Tensor, Any]:
        """One layer one way, its variables under the names of the checkpoints."""
        path = f"rnn/multi_rnn_cell/cell_{layer}"
        if self.num_dirs == 2:
            path = f"stack_bidirectional_rnn/cell_{layer}/bidirectional_rnn/{('fw', 'bw')[way]}"
        cell = self._cell()
        with variable_scope(path, initializer=self._kernel_initializer) as scope:
            outputs, end = dynamic_rnn(
                cell, _turned(rows, lengths) if way else rows, lengths, start, time_major=True,
                dtype=as_dtype(self.dtype), scope=scope,
            )  # fmt: skip
        self._weights += [v for v in cell.weights if not any(v is w for w in self._weights)]
        return _turned(outputs, lengths) if way else outputs, end

    def _packed(self, parts: list[Any]) -> Any:
        return parts[0]

    def _unpacked(self, state: Any) -> tuple:
        return (state,)


def _turned(rows: Tensor, lengths: Any) -> Tensor:
    """Each sequence turned round, of rows ``[time, batch, size]``."""
    if lengths is None:
        return reverse(rows, [0])
    return reverse_sequence(rows, lengths, seq_axis=0, batch_axis=1)


class CudnnLSTM(_CudnnRNN):
    """Layers of LSTMs without a forget bias: ``outputs, (h, c) = layer(inputs)``.

    inputs ``[time, batch, size]`` (``[batch, time, size]`` unless ``time_major``), outputs with
    ``ways * num_units`` at the end, states ``[num_layers * ways, batch, num_units]``.

    >>> outputs, (h, c) = tf.contrib.cudnn_rnn.CudnnLSTM(num_layers=2, num_units=64)(x)
    """

    title = "cudnn_lstm"

    def state_shape(self, batch_size: Any) -> tuple:
        return super().state_shape(batch_size) * 2

    def _cell(self) -> Any:
        return CudnnCompatibleLSTMCell(self.num_units)

    def _packed(self, parts: list[Any]) -> LSTMStateTuple:
        h, c = parts
        return LSTMStateTuple(c, h)

    def _unpacked(self, state: Any) -> tuple:
        return (state.h, state.c)


class CudnnGRU(_CudnnRNN):
    """Layers of GRUs whose reset comes after the product: ``outputs, (h,) = layer(inputs)``, as
    :class:`CudnnLSTM`."""

    title = "cudnn_gru"

    def _cell(self) -> Any:
        return CudnnCompatibleGRUCell(self.num_units)


class CudnnRNNTanh(_CudnnRNN):
    """Layers of tanh units: ``outputs, (h,) = layer(inputs)``, as :class:`CudnnLSTM`."""

    title = "cudnn_rnn_tanh"

    def _cell(self) -> Any:
        return BasicRNNCell(self.num_units)


class CudnnRNNRelu(_CudnnRNN):
    """Layers of rectified units: ``outputs, (h,) = layer(inputs)``, as :class:`CudnnLSTM`."""

    title = "cudnn_rnn_relu"

    def _cell(self) -> Any:
        return BasicRNNCell(self.num_units, activation="relu")
