"""LSTMs built differently: one gate for input and forgetting, groups of units, gates that open in
phases."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from frontends.tf.contrib.rnn.normalized import layer_normalized
from frontends.tf.functions.arrays import concat
from frontends.tf.functions.random import random_uniform
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder
from frontends.tf.rnn.cell import RNNCell, input_depth, linear
from frontends.tf.rnn.cells import LSTMStateTuple, activation_function, clipped, split_columns
from frontends.tf.variables.initializers import constant_initializer, zeros_initializer
from frontends.tf.variables.scopes import get_variable_scope, variable_scope
from frontends.tf.variables.variable_getting import get_variable
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import float32
from graphc.ir.graph import Tensor


class CoupledInputForgetGateLSTMCell(RNNCell):
    """Long short-term memory that takes in as much as it forgets, ``c = f * c + (1 - f) * j``
    (Greff et al., "LSTM: A Search Space Odyssey", 2015), with peepholes, a projection and
    normalized gates where asked for.

    Its variables are ``W_0``, ``B``, ``W_F_diag``, ``W_O_diag`` and ``W_P_0``.
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        initializer: Any = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        num_unit_shards: int = 1,
        num_proj_shards: int = 1,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Any = None,
        reuse: Any = None,
        layer_norm: bool = False,
        norm_gain: float = 1.0,
        norm_shift: float = 0.0,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._num_units, self._use_peepholes = num_units, use_peepholes
        self._initializer, self._num_proj, self._proj_clip = initializer, num_proj, proj_clip
        self._shards = num_unit_shards, num_proj_shards
        self._forget_bias, self._state_is_tuple = forget_bias, state_is_tuple
        self._activation = activation_function(activation)
        self._layer_norm, self._norm = layer_norm, (norm_gain, norm_shift)

    @property
    def state_size(self) -> Any:
        sizes = self._num_units, self.output_size
        return LSTMStateTuple(*sizes) if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> int:
        return self._num_proj or self._num_units

    def call(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
        b, units = builder(inputs), self._num_units
        if self._state_is_tuple:
            c, h = state
        else:
            c, h = state[:, :units], state[:, units:]
        with variable_scope(get_variable_scope(), initializer=self._initializer):
            new_c, new_h = self._turn(inputs, c, h)
        if self._state_is_tuple:
            return new_h, LSTMStateTuple(new_c, new_h)
        return new_h, b.concat(new_c, new_h, axis=1)

    def _turn(self, inputs: Tensor, c: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        b, units, dtype = builder(inputs), self._num_units, inputs.dtype
        rows = input_depth(self, inputs.shape) + self.output_size  # type: ignore[attr-defined]
        kernel = _in_parts("W", [rows, 3 * units], dtype, self._shards[0])
        bias = get_variable("B", [3 * units], dtype, zeros_initializer(dtype=dtype))
        gates = b.matmul(concat([inputs, h], 1), kernel)
        j, f, o = parts = split_columns(b, gates if self._layer_norm else gates + bias, 3)
        if self._layer_norm:
            names = ("transform", "forget", "output")
            j, f, o = (
                layer_normalized(x, name, *self._norm) for name, x in zip(names, parts, strict=True)
            )
        f = f + self._forget_bias
        if self._use_peepholes:
            f = f + get_variable("W_F_diag", [units], dtype) * c
            of_o = get_variable("W_O_diag", [units], dtype)
        forget = b.sigmoid(f)
        new_c = forget * c + (1.0 - forget) * self._activation(j)
        if self._layer_norm:
            new_c = layer_normalized(new_c, "state", *self._norm)
        if self._use_peepholes:
            o = o + of_o * new_c
        new_h = b.sigmoid(o) * self._activation(new_c)
        if self._num_proj is not None:
            projection = _in_parts("W_P", [units, self._num_proj], dtype, self._shards[1])
            new_h = clipped(b.matmul(new_h, projection), self._proj_clip)
        return new_c, new_h


def _in_parts(name: str, shape: list[int], dtype: Any, count: int) -> Tensor:
    """A matrix whose rows lie in ``count`` variables, ``name_0`` and so on."""
    if count > shape[0]:
        raise ValueError(f"{count} shards of a matrix of {shape[0]} rows")
    each, more = divmod(shape[0], count)
    parts = [
        get_variable(f"{name}_{k}", [each + (k < more), *shape[1:]], dtype) for k in range(count)
    ]
    return as_tensor(parts[0]) if count == 1 else concat(parts, 0)


class GLSTMCell(RNNCell):
    """Long short-term memory in groups of units, each with its part of the inputs (Kuchaiev and
    Ginsburg, "Factorization Tricks for LSTM Networks", 2017)."""

    def __init__(
        self,
        num_units: int,
        initializer: Any = None,
        num_proj: int | None = None,
        number_of_groups: int = 1,
        forget_bias: float = 1.0,
        activation: Any = None,
        reuse: Any = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        for label, size in (("num_units", num_units), ("num_proj", num_proj or 0)):
            if size % number_of_groups:
                raise ValueError(
                    f"{label} ({size}) must be divisible by number_of_groups ({number_of_groups})"
                )
        self._num_units, self._num_proj, self._groups = num_units, num_proj, number_of_groups
        self._initializer, self._forget_bias = initializer, forget_bias
        self._activation = activation_function(activation)

    @property
    def state_size(self) -> LSTMStateTuple:
        return LSTMStateTuple(self._num_units, self.output_size)

    @property
    def output_size(self) -> int:
        return self._num_proj or self._num_units

    def call(self, inputs: Tensor, state: Any) -> tuple[Tensor, LSTMStateTuple]:
        b, groups, units = builder(inputs), self._groups, self._num_units
        c, h = state
        depth = input_depth(self, inputs.shape)  # type: ignore[attr-defined]
        if depth % groups:
            raise ValueError(
                f"the inputs' size ({depth}) must be divisible by number_of_groups ({groups})"
            )
        seen, held = split_columns(b, inputs, groups), split_columns(b, h, groups)
        with variable_scope(get_variable_scope(), initializer=self._initializer):
            parts = []
            for k in range(groups):
                with variable_scope(f"group{k}"):
                    made = linear([seen[k], held[k]], 4 * units // groups, bias=False)
                    parts.append(split_columns(b, made, 4))
            i, j, f, o = (
                concat(list(part), 1) + get_variable(
                    f"bias_{gate}", [units], inputs.dtype,
                    constant_initializer(0.0, dtype=inputs.dtype),
                )
                for gate, part in zip("ijfo", zip(*parts, strict=True), strict=True)
            )  # fmt: skip
        new_c = b.sigmoid(f + self._forget_bias) * c + b.sigmoid(i) * b.tanh(j)
        new_h = b.sigmoid(o) * self._activation(new_c)
        if self._num_proj is not None:
            with variable_scope("projection", initializer=self._initializer):
                new_h = linear(new_h, self._num_proj, bias=False)
        return new_h, LSTMStateTuple(new_c, new_h)


class PhasedLSTMCell(RNNCell):
    """Long short-term memory whose units are open in a part of a period of their own (Neil,
    Pfeiffer and Liu, "Phased LSTM", 2016).

    Its inputs are a pair: the time ``[batch, 1]``, and the features ``[batch, size]``.
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        leak: Any = 0.001,
        ratio_on: Any = 0.1,
        trainable_ratio_on: bool = True,
        period_init_min: float = 1.0,
        period_init_max: float = 1000.0,
        reuse: Any = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._num_units, self._use_peepholes = num_units, use_peepholes
        self._leak, self._ratio_on, self._trains_ratio = leak, ratio_on, trainable_ratio_on
        self._period_range = period_init_min, period_init_max

    @property
    def state_size(self) -> LSTMStateTuple:
        return LSTMStateTuple(self._num_units, self._num_units)

    @property
    def output_size(self) -> int:
        return self._num_units

    def call(self, inputs: Any, state: Any) -> tuple[Tensor, LSTMStateTuple]:
        time, x = inputs
        c, h = state
        b, units = builder(x), self._num_units
        with variable_scope("mask_gates"):
            seen = [x, h, c] if self._use_peepholes else [x, h]
            i, f = split_columns(b, b.sigmoid(linear(seen, 2 * units, bias=True)), 2)
        with variable_scope("new_input"):
            candidate = b.tanh(linear([x, h], units, bias=True))
        new_c = c * f + i * candidate
        with variable_scope("output_gate"):
            seen = [x, h, new_c] if self._use_peepholes else [x, h]
            new_h = b.tanh(new_c) * b.sigmoid(linear(seen, units, bias=True))
        openness = self._openness(time)
        new_c = openness * new_c + (1.0 - openness) * c
        new_h = openness * new_h + (1.0 - openness) * h
        return new_h, LSTMStateTuple(new_c, new_h)

    def _openness(self, time: Tensor) -> Tensor:
        """How far every unit is open at its time: it rises, falls, and leaks for the rest of its
        period."""
        units, b = [self._num_units], builder(time)
        period = get_variable("period", units, float32, _log_uniform(*self._period_range))
        phase = get_variable("phase", units, float32, _below(period))
        ratio = get_variable(
            "ratio_on", units, float32, constant_initializer(self._ratio_on),
            trainable=self._trains_ratio,
        )  # fmt: skip
        shifted = time - b.cast(as_tensor(phase), dtype=time.dtype)
        length = b.cast(as_tensor(period), dtype=time.dtype)
        inside = b.stop_gradient(b.floormod(shifted, length) - shifted) + shifted
        ratio_of_cycle = b.cast(inside / length, dtype=float32)
        on = as_tensor(ratio)
        rising = 2.0 * ratio_of_cycle / on
        late = b.where(b.less(ratio_of_cycle, on), 2.0 - rising, self._leak * ratio_of_cycle)
        return b.where(b.less(ratio_of_cycle, 0.5 * on), rising, late)


def _log_uniform(low: float, high: float) -> Callable:
    """An initializer: values whose logarithms are uniform between those of the bounds."""

    def make(shape: Any, dtype: Any = float32, partition_info: Any = None) -> Tensor:
        drawn = random_uniform(TensorShape(shape), math.log(low), math.log(high), dtype=dtype)
        return builder(drawn).exp(drawn)

    return make


def _below(bound: Any) -> Callable:
    """An initializer: values uniform between 0 and the initial values of a variable."""

    def make(shape: Any, dtype: Any = float32, partition_info: Any = None) -> Tensor:
        return random_uniform(TensorShape(shape), 0.0, 1.0, dtype=dtype) * bound.initial_value

    return make
