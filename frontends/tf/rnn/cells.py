"""The standard cells: basic, gated (GRU) and long short-term memory (LSTM)."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

from frontends.tf.graph.tensor import builder
from frontends.tf.names.missing import resolve
from frontends.tf.rnn.cell import LayerRNNCell, input_depth
from frontends.tf.variables.initializers import constant_initializer, zeros_initializer
from graphc.ir.builder import Builder, as_tensor
from graphc.ir.graph import Tensor

_State = namedtuple("_State", ("c", "h"))


class LSTMStateTuple(_State):
    """The state of an LSTM: the cell ``c`` and the output ``h``, each ``[batch, size]``."""

    __slots__ = ()

    @property
    def dtype(self) -> Any:
        if self.c.dtype is not self.h.dtype:
            raise TypeError(f"c is {self.c.dtype}, h is {self.h.dtype}")
        return self.c.dtype


def activation_function(activation: Any) -> Callable:
    """An activation given as a function, by name, or not at all (tanh)."""
    if activation is None:
        return resolve("tanh")
    return activation if callable(activation) else resolve(f"nn.{activation}")


class BasicRNNCell(LayerRNNCell):
    """``output = new_state = activation(W [inputs, state] + b)`` (Elman, 1990)."""

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units, self._activation = num_units, activation_function(activation)

    @property
    def state_size(self) -> int:
        return self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        rows = input_depth(self, input_shape) + self._num_units
        self._kernel = self.add_weight("kernel", shape=[rows, self._num_units])
        zeros = zeros_initializer(dtype=self.dtype)
        self._bias = self.add_weight("bias", shape=[self._num_units], initializer=zeros)
        self.built = True

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        output = self._activation(affine([inputs, state], self._kernel, self._bias))
        return output, output


class GRUCell(LayerRNNCell):
    """The gated recurrent unit (Cho et al., 2014): reset and update gates ``r, u``; the candidate
    sees the state after the reset; ``new_state = u * state + (1 - u) * candidate``."""

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: Any = None,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units, self._activation = num_units, activation_function(activation)
        self._kernel_initializer = kernel_initializer
        self._bias_initializer = bias_initializer
        self._parts: dict[str, tuple[Any, Any]] = {}

    @property
    def state_size(self) -> int:
        return self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        rows, units = input_depth(self, input_shape) + self._num_units, self._num_units
        start = self._bias_initializer
        ones, zeros = constant_initializer(1.0, dtype=self.dtype), zeros_initializer(self.dtype)
        for part, columns, bias in (("gates", 2 * units, ones), ("candidate", units, zeros)):
            kernel = self.add_weight(
                f"{part}/kernel", shape=[rows, columns], initializer=self._kernel_initializer
            )
            held = self.add_weight(
                f"{part}/bias", shape=[columns], initializer=bias if start is None else start
            )
            self._parts[part] = (kernel, held)
        self.built = True

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        b = builder(inputs, state)
        gates = b.sigmoid(affine([inputs, state], *self._parts["gates"]))
        reset, update = split_columns(b, gates, 2)
        inside = affine([inputs, b.mul(reset, state)], *self._parts["candidate"])
        candidate = self._activation(inside)
        new = b.add(b.mul(update, state), b.mul(b.sub(1.0, update), candidate))
        return new, new


class BasicLSTMCell(LayerRNNCell):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997; forget gate: Gers et al., 2000),
    with ``forget_bias`` added to the forget gate.  The state is an LSTMStateTuple, or one tensor of
    both side by side with ``state_is_tuple=False``."""

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units, self._forget_bias = num_units, forget_bias
        self._state_is_tuple, self._activation = state_is_tuple, activation_function(activation)

    @property
    def state_size(self) -> Any:
        units = self._num_units
        return LSTMStateTuple(units, units) if self._state_is_tuple else 2 * units

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        rows = input_depth(self, input_shape) + self._num_units
        self._kernel = self.add_weight("kernel", shape=[rows, 4 * self._num_units])
        zeros = zeros_initializer(dtype=self.dtype)
        self._bias = self.add_weight("bias", shape=[4 * self._num_units], initializer=zeros)
        self.built = True

    def call(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
        b = builder(inputs)
        c, h = state if self._state_is_tuple else split_columns(b, state, 2)
        gates = affine([inputs, h], self._kernel, self._bias)
        i, j, f, o = split_columns(b, gates, 4)
        kept = b.mul(c, b.sigmoid(b.add(f, self._forget_bias)))
        new_c = b.add(kept, b.mul(b.sigmoid(i), self._activation(j)))
        new_h = b.mul(self._activation(new_c), b.sigmoid(o))
        if self._state_is_tuple:
            return new_h, LSTMStateTuple(new_c, new_h)
        return new_h, b.concat(new_c, new_h, axis=1)


class LSTMCell(LayerRNNCell):
    """Long short-term memory with peepholes (Gers and Schmidhuber, 2000), a cell that is clipped,
    and a projection of the output (Sak et al., 2014), each where asked for."""

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        cell_clip: float | None = None,
        initializer: Any = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        num_unit_shards: Any = None,
        num_proj_shards: Any = None,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units, self._use_peepholes = num_units, use_peepholes
        self._cell_clip, self._proj_clip = cell_clip, proj_clip
        self._initializer, self._num_proj = initializer, num_proj
        self._forget_bias, self._state_is_tuple = forget_bias, state_is_tuple
        self._activation = activation_function(activation)

    @property
    def state_size(self) -> Any:
        sizes = self._num_units, self.output_size
        return LSTMStateTuple(*sizes) if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> int:
        return self._num_proj or self._num_units

    def build(self, input_shape: Any) -> None:
        rows, units = input_depth(self, input_shape) + self.output_size, self._num_units
        self._kernel = self.add_weight(
            "kernel", shape=[rows, 4 * units], initializer=self._initializer
        )
        zeros = zeros_initializer(dtype=self.dtype)
        self._bias = self.add_weight("bias", shape=[4 * units], initializer=zeros)
        if self._use_peepholes:
            self._peepholes = [
                self.add_weight(f"w_{gate}_diag", shape=[units], initializer=self._initializer)
                for gate in "fio"
            ]
        if self._num_proj is not None:
            self._projection = self.add_weight(
                "projection/kernel", shape=[units, self._num_proj], initializer=self._initializer
            )
        self.built = True

    def call(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
        b, units = builder(inputs), self._num_units
        if self._state_is_tuple:
            c, h = state
        else:
            c = b.slice(state, begin=(0, 0), size=(-1, units))
            h = b.slice(state, begin=(0, units), size=(-1, self.output_size))
        i, j, f, o = split_columns(b, affine([inputs, h], self._kernel, self._bias), 4)
        f = b.add(f, self._forget_bias)
        if self._use_peepholes:
            f, i = self._seen(b, f, 0, c), self._seen(b, i, 1, c)
        new_c = b.add(b.mul(b.sigmoid(f), c), b.mul(b.sigmoid(i), self._activation(j)))
        new_c = clipped(new_c, self._cell_clip)
        if self._use_peepholes:
            o = self._seen(b, o, 2, new_c)
        new_h = b.mul(b.sigmoid(o), self._activation(new_c))
        if self._num_proj is not None:
            new_h = clipped(b.matmul(new_h, as_tensor(self._projection)), self._proj_clip)
        if self._state_is_tuple:
            return new_h, LSTMStateTuple(new_c, new_h)
        return new_h, b.concat(new_c, new_h, axis=1)

    def _seen(self, b: Builder, gate: Tensor, which: int, c: Tensor) -> Tensor:
        """A gate that sees the cell through its peephole."""
        return b.add(gate, b.mul(as_tensor(self._peepholes[which]), c))


def affine(parts: list[Tensor], kernel: Any, bias: Any) -> Tensor:
    """``concat(parts) @ kernel + bias``."""
    b = builder(*parts)
    return b.add(b.matmul(b.concat(*parts, axis=1), as_tensor(kernel)), as_tensor(bias))


def split_columns(b: Builder, x: Tensor, count: int) -> list[Tensor]:
    """The columns of ``x`` in so many equal parts."""
    width = x.type.dims[1]
    each = width // count
    return [b.slice(x, begin=(0, k * each), size=(x.type.dims[0], each)) for k in range(count)]


def clipped(x: Tensor, limit: float | None) -> Tensor:
    """``x`` within ``[-limit, limit]``, where there is a limit."""
    return x if limit is None else resolve("clip_by_value")(x, -limit, limit)
