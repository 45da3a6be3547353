"""Cells with other gates than those of the GRU and the LSTM."""

from __future__ import annotations

from typing import Any

from frontends.tf.graph.tensor import builder
from frontends.tf.rnn.cell import LayerRNNCell, RNNCell, input_depth, linear
from frontends.tf.rnn.cells import LSTMStateTuple, activation_function, affine, split_columns
from frontends.tf.variables.initializers import named_initializer, zeros_initializer
from frontends.tf.variables.scopes import get_variable_scope, variable_scope
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Tensor


class UGRNNCell(RNNCell):
    """One update gate, ``state = g * state + (1 - g) * candidate`` (Collins, Sohl-Dickstein and
    Sussillo, "Capacity and Trainability in Recurrent Neural Networks", 2016)."""

    def __init__(
        self,
        num_units: int,
        initializer: Any = None,
        forget_bias: float = 1.0,
        activation: Any = None,
        reuse: Any = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._num_units, self._initializer = num_units, initializer
        self._forget_bias, self._activation = forget_bias, activation_function(activation)

    @property
    def state_size(self) -> int:
        return self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        b = builder(inputs)
        input_depth(self, inputs.shape)  # type: ignore[attr-defined]
        with variable_scope(get_variable_scope(), initializer=self._initializer):
            made = linear([inputs, state], 2 * self._num_units, bias=True)
        gate, candidate = split_columns(b, made, 2)
        kept = b.sigmoid(gate + self._forget_bias)
        new = kept * state + (1.0 - kept) * self._activation(candidate)
        return new, new


class IntersectionRNNCell(RNNCell):
    """A gated step in time beside a gated step in depth (Collins et al., 2016): the output mixes
    the inputs with what the cell makes of them, so that inputs and output are of one size, or the
    inputs are projected (``num_in_proj``)."""

    def __init__(
        self,
        num_units: int,
        num_in_proj: int | None = None,
        initializer: Any = None,
        forget_bias: float = 1.0,
        y_activation: Any = "relu",
        reuse: Any = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._num_units, self._num_in_proj = num_units, num_in_proj
        self._initializer, self._forget_bias = initializer, forget_bias
        self._y_activation = activation_function(y_activation)

    @property
    def state_size(self) -> int:
        return self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        b, units = builder(inputs), self._num_units
        depth = input_depth(self, inputs.shape)  # type: ignore[attr-defined]
        with variable_scope(get_variable_scope(), initializer=self._initializer):
            if depth != units:
                if not self._num_in_proj:
                    raise ValueError(
                        f"Must have input size == output size for Intersection RNN, got {depth} "
                        f"and {units}. To fix, num_in_proj should be set to num_units at cell init."
                    )
                with variable_scope("in_projection"):
                    inputs = linear(inputs, units, bias=True)
            made = linear([inputs, state], 4 * units, bias=True)
        gate_h, h, gate_y, y = split_columns(b, made, 4)
        kept = b.sigmoid(gate_h + self._forget_bias)
        passed = b.sigmoid(gate_y + self._forget_bias)
        new = kept * state + (1.0 - kept) * b.tanh(h)
        return passed * inputs + (1.0 - passed) * self._y_activation(y), new


class NASCell(LayerRNNCell):
    """The cell that a search found (Zoph and Le, "Neural Architecture Search with Reinforcement
    Learning", 2016), with a projection of the output where asked for."""

    def __init__(
        self,
        num_units: int,
        num_proj: int | None = None,
        use_bias: bool = False,
        reuse: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(_reuse=reuse, **kwargs)
        self._num_units, self._num_proj, self._use_bias = num_units, num_proj, use_bias

    @property
    def state_size(self) -> LSTMStateTuple:
        return LSTMStateTuple(self._num_units, self.output_size)

    @property
    def output_size(self) -> int:
        return self._num_units if self._num_proj is None else self._num_proj

    def build(self, input_shape: Any) -> None:
        depth, columns = input_depth(self, input_shape), 8 * self._num_units
        self.recurrent_kernel = self.add_weight("recurrent_kernel", [self.output_size, columns])
        self.kernel = self.add_weight("kernel", [depth, columns])
        if self._use_bias:
            self.bias = self.add_weight("bias", [columns], initializer=zeros_initializer)
        if self._num_proj is not None:
            self.projection_weights = self.add_weight(
                "projection_weights", [self._num_units, self._num_proj]
            )
        self.built = True

    def call(self, inputs: Tensor, state: Any) -> tuple[Tensor, LSTMStateTuple]:
        b = builder(inputs)
        c, held = state
        of_state = b.matmul(held, as_tensor(self.recurrent_kernel))
        if self._use_bias:
            of_state = of_state + self.bias
        m = split_columns(b, of_state, 8)
        x = split_columns(b, b.matmul(inputs, as_tensor(self.kernel)), 8)
        one = b.tanh(b.sigmoid(x[0] + m[0]) * b.relu(x[1] + m[1]))
        two = b.tanh(b.sigmoid(x[2] + m[2]) + b.relu(x[3] * m[3]))
        three = b.tanh(b.tanh(x[4] + m[4]) * b.sigmoid(x[5] + m[5]))
        four = b.sigmoid(b.tanh(x[6] + m[6]) + b.sigmoid(x[7] + m[7]))
        new_c = b.tanh(one + c) * two
        output = b.tanh(new_c * b.tanh(three + four))
        if self._num_proj is not None:
            output = b.matmul(output, as_tensor(self.projection_weights))
        return output, LSTMStateTuple(new_c, output)


class SRUCell(LayerRNNCell):
    """The simple recurrent unit, in which no product has the state as an operand (Lei et al.,
    "Simple Recurrent Units for Highly Parallelizable Recurrence", 2017)."""

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(_reuse=reuse, name=name, **kwargs)
        self._num_units, self._activation = num_units, activation_function(activation)

    @property
    def state_size(self) -> int:
        return self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        depth, units = input_depth(self, input_shape), self._num_units
        self._kernel = self.add_weight("kernel", [depth, 4 * units])
        self._bias = self.add_weight("bias", [2 * units], initializer=zeros_initializer)
        self.built = True

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        b = builder(inputs)
        x, forget, reset, passed = split_columns(b, b.matmul(inputs, as_tensor(self._kernel)), 4)
        gates = b.sigmoid(b.concat(forget, reset, axis=1) + self._bias)
        forget, reset = split_columns(b, gates, 2)
        c = forget * state + (1.0 - forget) * x
        return reset * self._activation(c) + (1.0 - reset) * passed, c


class _KerasLike(LayerRNNCell):
    """A cell whose initializers and activation may be given by name."""

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "ones",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.units, self.activation = units, activation_function(activation)
        self.kernel_initializer = named_initializer(kernel_initializer)
        self.bias_initializer = named_initializer(bias_initializer)

    @property
    def state_size(self) -> int:
        return self.units

    @property
    def output_size(self) -> int:
        return self.units


class MinimalRNNCell(_KerasLike):
    """The inputs are brought into the space of the state, and one gate mixes the two (Chen,
    Pennington and Schoenholz, "Dynamical Isometry and a Mean Field Theory of RNNs", 2018)."""

    def build(self, input_shape: Any) -> None:
        self._depth = input_depth(self, input_shape)
        rows, units = self._depth + 2 * self.units, self.units
        self.kernel = self.add_weight("kernel", [rows, units], initializer=self.kernel_initializer)
        self.bias = self.add_weight("bias", [units], initializer=self.bias_initializer)
        self.built = True

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        b, kernel = builder(inputs), as_tensor(self.kernel)
        seen = self.activation(b.matmul(inputs, kernel[: self._depth]))
        gate = b.sigmoid(affine([seen, state], kernel[self._depth :], self.bias))
        new = gate * state + (1.0 - gate) * seen
        return new, new


class CFNCell(_KerasLike):
    """A network without chaos: the state fades through a gate, the inputs come in through another
    (Laurent and von Brecht, "A Recurrent Neural Network without Chaos", 2016)."""

    def build(self, input_shape: Any) -> None:
        depth, units, start = input_depth(self, input_shape), self.units, self.kernel_initializer
        self.kernel = self.add_weight("kernel", [depth, 3 * units], initializer=start)
        self.recurrent_kernel = self.add_weight(
            "recurrent_kernel", [units, 2 * units], initializer=start
        )
        self.bias = self.add_weight("bias", [2 * units], initializer=self.bias_initializer)
        self.built = True

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        b, units = builder(inputs), self.units
        seen = b.matmul(inputs, as_tensor(self.kernel))
        both = b.matmul(state, as_tensor(self.recurrent_kernel)) + seen[:, : 2 * units]
        kept, shut = split_columns(b, b.sigmoid(both + self.bias), 2)
        coming = self.activation(seen[:, 2 * units :])
        new = kept * self.activation(state) + (1.0 - shut) * coming
        return new, new
