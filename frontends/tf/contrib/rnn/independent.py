"""Cells whose units see their own states alone (Li et al., "Independently Recurrent Neural Network
(IndRNN)", 2018): products with the state are element by element."""

from __future__ import annotations

from typing import Any

from frontends.tf.graph.tensor import builder
from frontends.tf.rnn.cell import LayerRNNCell, input_depth
from frontends.tf.rnn.cells import LSTMStateTuple, activation_function, split_columns
from frontends.tf.variables.initializers import (
    constant_initializer,
    random_uniform_initializer,
    zeros_initializer,
)
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Tensor


class _Independent(LayerRNNCell):
    def __init__(
        self,
        num_units: int,
        activation: Any,
        reuse: Any,
        name: str | None,
        dtype: Any,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
    ) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._num_units, self._activation = num_units, activation_function(activation)
        self._kernel_initializer = kernel_initializer
        self._bias_initializer = bias_initializer

    @property
    def state_size(self) -> Any:
        return self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def _variables(self, depth: int, count: int, names: tuple[str, str, str], bias: Any) -> tuple:
        """The weights of the inputs, those of the state, and the bias, for ``count`` gates."""
        columns = count * self._num_units
        start = bias if self._bias_initializer is None else self._bias_initializer
        spread = random_uniform_initializer(-1, 1)
        of_inputs = self.add_weight(
            names[0], [depth, columns], initializer=self._kernel_initializer
        )
        of_state = self.add_weight(names[1], [1, columns], initializer=spread)
        return of_inputs, of_state, self.add_weight(names[2], [columns], initializer=start)


def _gates(inputs: Tensor, state: Tensor, variables: tuple, count: int) -> Tensor:
    """``inputs @ w + state * u + bias``, for ``count`` gates side by side."""
    b, (w, u, bias) = builder(inputs), variables
    repeated = state if count == 1 else b.concat(*[state] * count, axis=1)
    return b.matmul(inputs, as_tensor(w)) + repeated * u + bias


class IndRNNCell(_Independent):
    """``output = state = activation(W inputs + u * state + b)``."""

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_units, activation, reuse, name, dtype)

    def build(self, input_shape: Any) -> None:
        names = ("kernel_w", "kernel_u", "bias")
        depth = input_depth(self, input_shape)
        self._held = self._variables(depth, 1, names, zeros_initializer())
        self.built = True

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        new = self._activation(_gates(inputs, state, self._held, 1))
        return new, new


class IndyGRUCell(_Independent):
    """The gated recurrent unit (Cho et al., 2014) of independent units."""

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: Any = None,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            num_units, activation, reuse, name, dtype, kernel_initializer, bias_initializer
        )

    def build(self, input_shape: Any) -> None:
        depth = input_depth(self, input_shape)
        gates = ("gates/kernel_w", "gates/kernel_u", "gates/bias")
        candidate = ("candidate/kernel", "candidate/kernel_u", "candidate/bias")
        self._of_gates = self._variables(depth, 2, gates, constant_initializer(1.0))
        self._of_candidate = self._variables(depth, 1, candidate, zeros_initializer())
        self.built = True

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        b = builder(inputs)
        gates = b.sigmoid(_gates(inputs, state, self._of_gates, 2))
        reset, update = split_columns(b, gates, 2)
        candidate = self._activation(_gates(inputs, reset * state, self._of_candidate, 1))
        new = update * state + (1.0 - update) * candidate
        return new, new


class IndyLSTMCell(_Independent):
    """Long short-term memory of independent units (Gonnet and Deselaers, "IndyLSTMs", 2019)."""

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        activation: Any = None,
        reuse: Any = None,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            num_units, activation, reuse, name, dtype, kernel_initializer, bias_initializer
        )
        self._forget_bias = forget_bias

    @property
    def state_size(self) -> LSTMStateTuple:
        return LSTMStateTuple(self._num_units, self._num_units)

    def build(self, input_shape: Any) -> None:
        names = ("kernel_w", "kernel_u", "bias")
        depth = input_depth(self, input_shape)
        self._held = self._variables(depth, 4, names, zeros_initializer())
        self.built = True

    def call(self, inputs: Tensor, state: Any) -> tuple[Tensor, LSTMStateTuple]:
        b, (c, h) = builder(inputs), state
        i, j, f, o = split_columns(b, _gates(inputs, h, self._held, 4), 4)
        new_c = c * b.sigmoid(f + self._forget_bias) + b.sigmoid(i) * self._activation(j)
        new_h = self._activation(new_c) * b.sigmoid(o)
        return new_h, LSTMStateTuple(new_c, new_h)
