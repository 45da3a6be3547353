"""LSTMs whose gates or weights are normalized."""

from __future__ import annotations

from typing import Any

from frontends.tf.functions.arrays import concat
from frontends.tf.graph.tensor import builder
from frontends.tf.names.missing import resolve
from frontends.tf.networks.nn import batch_normalization, dropout, l2_normalize, moments
from frontends.tf.rnn.cell import RNNCell, input_depth
from frontends.tf.rnn.cells import LSTMStateTuple, activation_function, clipped, split_columns
from frontends.tf.variables.initializers import constant_initializer
from frontends.tf.variables.scopes import get_variable_scope, variable_scope
from frontends.tf.variables.variable_getting import get_variable
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import float16
from graphc.ir.graph import Tensor

GATES = ("input", "transform", "forget", "output")


def layer_normalized(x: Tensor, scope: str, gain: float, shift: float) -> Tensor:
    """``x`` normalized over its last axis (Ba, Kiros and Hinton, "Layer Normalization", 2016),
    with variables ``scope/gamma`` and ``scope/beta`` that start as ``gain`` and ``shift``."""
    size, dtype = [x.type.dims[-1]], x.dtype
    with variable_scope(scope):
        gamma = get_variable("gamma", size, dtype, constant_initializer(gain, dtype=dtype))
        beta = get_variable("beta", size, dtype, constant_initializer(shift, dtype=dtype))
        mean, variance = moments(x, [-1], keep_dims=True)
        tiny = 1e-3 if dtype is float16 else 1e-12
        return batch_normalization(x, mean, variance, beta, gamma, tiny)


class _LSTM(RNNCell):
    """What the cells below share: a state of two parts, and perhaps a projection."""

    _num_units: int
    _num_proj: int | None = None

    @property
    def state_size(self) -> LSTMStateTuple:
        return LSTMStateTuple(self._num_units, self.output_size)

    @property
    def output_size(self) -> int:
        return self._num_proj or self._num_units


class LayerNormBasicLSTMCell(_LSTM):
    """Long short-term memory whose gates and cell are normalized over the units (Ba et al., 2016),
    with dropout of the candidate (Semeniuta, Severyn and Barth, "Recurrent Dropout without Memory
    Loss", 2016)."""

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        input_size: Any = None,
        activation: Any = None,
        layer_norm: bool = True,
        norm_gain: float = 1.0,
        norm_shift: float = 0.0,
        dropout_keep_prob: Any = 1.0,
        dropout_prob_seed: int | None = None,
        reuse: Any = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._num_units, self._forget_bias = num_units, forget_bias
        self._activation = activation_function(activation)
        self._layer_norm, self._norm = layer_norm, (norm_gain, norm_shift)
        self._keep_prob, self._seed = dropout_keep_prob, dropout_prob_seed

    def call(self, inputs: Tensor, state: Any) -> tuple[Tensor, LSTMStateTuple]:
        c, h = state
        b = builder(inputs)
        depth = input_depth(self, inputs.shape) + self._num_units  # type: ignore[attr-defined]
        kernel = get_variable("kernel", [depth, 4 * self._num_units], inputs.dtype)
        gates = b.matmul(concat([inputs, h], 1), as_tensor(kernel))
        if not self._layer_norm:
            bias = get_variable("bias", [4 * self._num_units], inputs.dtype)
            gates = gates + bias
        i, j, f, o = parts = split_columns(b, gates, 4)
        if self._layer_norm:
            i, j, f, o = (
                layer_normalized(x, name, *self._norm) for name, x in zip(GATES, parts, strict=True)
            )
        candidate = self._activation(j)
        if as_tensor(self._keep_prob) is not None or self._keep_prob < 1:
            candidate = dropout(candidate, self._keep_prob, seed=self._seed)
        new_c = c * b.sigmoid(f + self._forget_bias) + b.sigmoid(i) * candidate
        if self._layer_norm:
            new_c = layer_normalized(new_c, "state", *self._norm)
        new_h = self._activation(new_c) * b.sigmoid(o)
        return new_h, LSTMStateTuple(new_c, new_h)


class LayerNormLSTMCell(_LSTM):
    """``tf.nn.rnn_cell.LSTMCell`` with its gates and cell normalized over the units (Ba et al.,
    2016) if ``layer_norm``; then its bias is not added."""

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        cell_clip: float | None = None,
        initializer: Any = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        forget_bias: float = 1.0,
        activation: Any = None,
        layer_norm: bool = False,
        norm_gain: float = 1.0,
        norm_shift: float = 0.0,
        reuse: Any = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._num_units, self._use_peepholes = num_units, use_peepholes
        self._cell_clip, self._initializer = cell_clip, initializer
        self._num_proj, self._proj_clip = num_proj, proj_clip
        self._forget_bias, self._activation = forget_bias, activation_function(activation)
        self._layer_norm, self._norm = layer_norm, (norm_gain, norm_shift)

    def call(self, inputs: Tensor, state: Any) -> tuple[Tensor, LSTMStateTuple]:
        with variable_scope(get_variable_scope(), initializer=self._initializer):
            return self._turn(inputs, *state)

    def _turn(self, inputs: Tensor, c: Tensor, h: Tensor) -> tuple[Tensor, LSTMStateTuple]:
        b, units, dtype = builder(inputs), self._num_units, inputs.dtype
        rows = input_depth(self, inputs.shape) + self.output_size  # type: ignore[attr-defined]
        kernel = get_variable("kernel", [rows, 4 * units], dtype)
        bias = get_variable("bias", [4 * units], dtype, constant_initializer(0.0, dtype=dtype))
        gates = b.matmul(concat([inputs, h], 1), as_tensor(kernel))
        i, j, f, o = parts = split_columns(b, gates if self._layer_norm else gates + bias, 4)
        if self._layer_norm:
            i, j, f, o = (
                layer_normalized(x, name, *self._norm) for name, x in zip(GATES, parts, strict=True)
            )
        f = f + self._forget_bias
        if self._use_peepholes:
            of_f, of_i, of_o = peepholes(units, dtype)
            f, i = f + of_f * c, i + of_i * c
        new_c = b.sigmoid(f) * c + b.sigmoid(i) * self._activation(j)
        if self._layer_norm:
            new_c = layer_normalized(new_c, "state", *self._norm)
        new_c = clipped(new_c, self._cell_clip)
        if self._use_peepholes:
            o = o + of_o * new_c
        new_h = b.sigmoid(o) * self._activation(new_c)
        if self._num_proj is not None:
            with variable_scope("projection"):
                projection = get_variable("kernel", [units, self._num_proj], dtype)
                new_h = clipped(b.matmul(new_h, as_tensor(projection)), self._proj_clip)
        return new_h, LSTMStateTuple(new_c, new_h)


def peepholes(units: int, dtype: Any) -> list[Tensor]:
    """The peepholes of f, i and o, variables of the current scope."""
    return [as_tensor(get_variable(f"w_{gate}_diag", [units], dtype)) for gate in "fio"]


class WeightNormLSTMCell(_LSTM):
    """``tf.nn.rnn_cell.LSTMCell`` whose weights' columns have lengths of their own, variables
    ``norm_0`` and ``norm_1`` (Salimans and Kingma, "Weight Normalization", 2016)."""

    def __init__(
        self,
        num_units: int,
        norm: bool = True,
        use_peepholes: bool = False,
        cell_clip: float | None = None,
        initializer: Any = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        forget_bias: float = 1,
        activation: Any = None,
        reuse: Any = None,
    ) -> None:
        super().__init__(_reuse=reuse, name="wn_lstm_cell")
        self._num_units, self._normalizes = num_units, norm
        self._use_peepholes, self._cell_clip = use_peepholes, cell_clip
        self._initializer, self._num_proj, self._proj_clip = initializer, num_proj, proj_clip
        self._forget_bias, self._activation = forget_bias, activation_function(activation)

    def call(self, inputs: Tensor, state: Any) -> tuple[Tensor, LSTMStateTuple]:
        # TF1 opens the scope a second time inside: checkpoints have both names
        with variable_scope("wn_lstm_cell", initializer=self._initializer):
            return self._turn(inputs, *state)

    def _turn(self, inputs: Tensor, c: Tensor, h: Tensor) -> tuple[Tensor, LSTMStateTuple]:
        b, units, dtype = builder(inputs), self._num_units, inputs.dtype
        gates = self._product([inputs, h], 4 * units)
        bias = get_variable("bias", [4 * units], dtype, constant_initializer(0.0, dtype=dtype))
        i, j, f, o = split_columns(b, gates + bias, 4)
        f = f + self._forget_bias
        if self._use_peepholes:
            of_f, of_i, of_o = peepholes(units, dtype)
            f, i = f + of_f * c, i + of_i * c
        new_c = c * b.sigmoid(f) + b.sigmoid(i) * self._activation(j)
        new_c = clipped(new_c, self._cell_clip)
        if self._use_peepholes:
            o = o + of_o * new_c
        new_h = b.sigmoid(o) * self._activation(new_c)
        if self._num_proj is not None:
            with variable_scope("projection"):
                new_h = clipped(self._product([new_h], self._num_proj), self._proj_clip)
        return new_h, LSTMStateTuple(new_c, new_h)

    def _product(self, parts: list[Tensor], columns: int) -> Tensor:
        """``concat(parts) @ kernel``; the rows of each part are normalized by themselves."""
        b, dtype = builder(*parts), parts[0].dtype
        sizes = [input_depth(self, part.shape) for part in parts]  # type: ignore[attr-defined]
        kernel = as_tensor(get_variable("kernel", [sum(sizes), columns], dtype))
        if self._normalizes:
            cut = resolve("split")(kernel, sizes, 0)
            kernel = concat([self._normalized(k, part) for k, part in enumerate(cut)], 0)
        return b.matmul(concat(parts, 1), kernel)

    def _normalized(self, k: int, weights: Tensor) -> Tensor:
        lengths = get_variable(f"norm_{k}", [weights.type.dims[1]], weights.dtype)
        return l2_normalize(weights, 0) * lengths
