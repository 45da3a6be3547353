"""Cells that TensorFlow computed in one kernel each, and those that share variables with cuDNN's.

Here they are graphs like every other cell, which the compiler fuses; what is left are their names,
their variables and how their arguments differ.
"""

from __future__ import annotations

from typing import Any

from frontends.tf.graph.tensor import builder
from frontends.tf.layers.layer import Layer
from frontends.tf.rnn.cell import LayerRNNCell, input_depth
from frontends.tf.rnn.cells import (
    GRUCell,
    LSTMStateTuple,
    activation_function,
    affine,
    split_columns,
)
from frontends.tf.variables.initializers import constant_initializer, zeros_initializer
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Tensor


def lstm_step(
    gates: Tensor, c: Tensor, forget_bias: float, cell_clip: float, peepholes: list[Any]
) -> tuple[Tensor, Tensor]:
    """The new cell and output from the gates ``i, j, f, o`` side by side; ``peepholes`` are those
    of i, f and o, or none; a ``cell_clip`` above 0 bounds the cell."""
    b = builder(gates)
    i, j, f, o = split_columns(b, gates, 4)
    f = f + forget_bias
    if peepholes:
        i, f = i + peepholes[0] * c, f + peepholes[1] * c
    new_c = b.sigmoid(f) * c + b.sigmoid(i) * b.tanh(j)
    if cell_clip > 0:
        new_c = b.maximum(b.minimum(new_c, cell_clip), -cell_clip)
    if peepholes:
        o = o + peepholes[2] * new_c
    return new_c, b.tanh(new_c) * b.sigmoid(o)


def lstm_variables(cell: Layer, rows: int, units: int, use_peephole: bool) -> tuple:
    """The kernel, the bias and the peepholes of an LSTM: ``kernel``, ``bias``, ``w_i_diag``,
    ``w_f_diag``, ``w_o_diag``."""
    kernel = cell.add_weight("kernel", [rows, 4 * units])
    start = constant_initializer(0.0)
    bias = cell.add_weight("bias", [4 * units], initializer=start)
    names = ("w_i_diag", "w_f_diag", "w_o_diag") if use_peephole else ()
    return kernel, bias, [as_tensor(cell.add_weight(name, [units])) for name in names]


class LSTMBlockCell(LayerRNNCell):
    """Long short-term memory with peepholes and a clipped cell where asked for, as
    ``tf.nn.rnn_cell.LSTMCell`` without projection, of the same variables."""

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        cell_clip: float | None = None,
        use_peephole: bool = False,
        dtype: Any = None,
        reuse: Any = None,
        name: str = "lstm_cell",
    ) -> None:
        super().__init__(_reuse=reuse, dtype=dtype, name=name)
        self._num_units, self._forget_bias = num_units, forget_bias
        self._use_peephole = use_peephole
        self._cell_clip = -1.0 if cell_clip is None else cell_clip

    @property
    def state_size(self) -> LSTMStateTuple:
        return LSTMStateTuple(self._num_units, self._num_units)

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        rows = input_depth(self, input_shape) + self._num_units
        self._kernel, self._bias, self._peepholes = lstm_variables(
            self, rows, self._num_units, self._use_peephole
        )
        self.built = True

    def call(self, inputs: Tensor, state: Any) -> tuple[Tensor, LSTMStateTuple]:
        if len(state) != 2:
            raise ValueError("Expecting state to be a tuple with length 2.")
        c, h = state
        gates = affine([inputs, h], self._kernel, self._bias)
        new_c, new_h = lstm_step(gates, c, self._forget_bias, self._cell_clip, self._peepholes)
        return new_h, LSTMStateTuple(new_c, new_h)


class _GRUBlock(LayerRNNCell):
    """A GRU by the names its variables have."""

    names: tuple[str, str, str, str]  # gates' kernel and bias, the candidate's

    def __init__(
        self,
        num_units: int | None = None,
        cell_size: int | None = None,
        reuse: Any = None,
        name: str = "gru_cell",
    ) -> None:
        super().__init__(_reuse=reuse, name=name)
        if (num_units is None) == (cell_size is None):
            raise ValueError("Exactly one of num_units or cell_size must be provided.")
        self._cell_size: int = num_units if num_units is not None else cell_size  # type: ignore[assignment]

    @property
    def state_size(self) -> int:
        return self._cell_size

    @property
    def output_size(self) -> int:
        return self._cell_size

    def build(self, input_shape: Any) -> None:
        size = self._cell_size
        rows = input_depth(self, input_shape) + size
        starts = constant_initializer(1.0), constant_initializer(0.0)
        self._parts = []
        for k, columns in enumerate((2 * size, size)):
            kernel = self.add_weight(self.names[2 * k], [rows, columns])
            bias = self.add_weight(self.names[2 * k + 1], [columns], initializer=starts[k])
            self._parts.append((kernel, bias))
        self.built = True

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        b = builder(inputs)
        gates, inside = self._parts
        reset, update = split_columns(b, b.sigmoid(affine([inputs, state], *gates)), 2)
        candidate = b.tanh(affine([inputs, reset * state], *inside))
        new = update * state + (1.0 - update) * candidate
        return new, new


class GRUBlockCell(_GRUBlock):
    """The gated recurrent unit (Cho et al., 2014), with variables ``w_ru``, ``b_ru``, ``w_c`` and
    ``b_c``."""

    names = ("w_ru", "b_ru", "w_c", "b_c")


class GRUBlockCellV2(_GRUBlock):
    """The gated recurrent unit (Cho et al., 2014), with the variables of
    ``tf.nn.rnn_cell.GRUCell``."""

    names = ("gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")


class CudnnCompatibleLSTMCell(LSTMBlockCell):
    """The cell of cuDNN's LSTM: no forget bias, no clipping, no peepholes."""

    def __init__(self, num_units: int, reuse: Any = None) -> None:
        super().__init__(num_units, forget_bias=0.0, reuse=reuse, name="cudnn_compatible_lstm_cell")


class CudnnCompatibleGRUCell(GRUCell):
    """The cell of cuDNN's GRU, whose reset comes after the product with the state::

    candidate = activation(W x + b_w + reset * (R state + b_r))
    """

    def __init__(self, num_units: int, reuse: Any = None, kernel_initializer: Any = None) -> None:
        super().__init__(
            num_units, activation=None, reuse=reuse, kernel_initializer=kernel_initializer,
            name="cudnn_compatible_gru_cell",
        )  # fmt: skip
        self._activation = activation_function(None)

    def build(self, input_shape: Any) -> None:
        units, depth = self._num_units, input_depth(self, input_shape)
        ones, zeros = constant_initializer(1.0), zeros_initializer()
        start = self._kernel_initializer
        kernel = self.add_weight("gates/kernel", [depth + units, 2 * units], initializer=start)
        self._parts["gates"] = (
            kernel, self.add_weight("gates/bias", [2 * units], initializer=ones)
        )  # fmt: skip
        for part, rows in (("input", depth), ("hidden", units)):
            name = f"candidate/{part}_projection"
            kernel = self.add_weight(f"{name}/kernel", [rows, units], initializer=start)
            bias = self.add_weight(f"{name}/bias", [units], initializer=zeros)
            self._parts[part] = (kernel, bias)
        self.built = True

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        b = builder(inputs, state)
        gates = b.sigmoid(affine([inputs, state], *self._parts["gates"]))
        reset, update = split_columns(b, gates, 2)
        inside = affine([inputs], *self._parts["input"])
        hidden = affine([state], *self._parts["hidden"])
        candidate = self._activation(inside + reset * hidden)
        new = (1.0 - update) * candidate + update * state
        return new, new
