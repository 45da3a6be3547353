"""Cells around cells: attention to the last outputs, highways, projections, an embedding."""

from __future__ import annotations

import math
from typing import Any

from frontends.tf.functions.arrays import concat, expand_dims, reshape
from frontends.tf.functions.math import reduce_sum
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder
from frontends.tf.networks.embedding import embedding_lookup
from frontends.tf.networks.nn import softmax, xw_plus_b
from frontends.tf.platform import nest
from frontends.tf.rnn.cell import RNNCell, input_depth, linear
from frontends.tf.rnn.cells import activation_function
from frontends.tf.rnn.networks import require_cell
from frontends.tf.rnn.wrappers import Wrapper
from frontends.tf.variables.initializers import constant_initializer, random_uniform_initializer
from frontends.tf.variables.scopes import get_variable_scope, variable_scope
from frontends.tf.variables.variable_getting import get_variable
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Tensor


class _Around(RNNCell):
    """A cell around ``cell``, in a variable scope of its own."""

    def __init__(self, cell: RNNCell, reuse: Any) -> None:
        super().__init__(_reuse=reuse)
        require_cell(cell)
        self._cell = cell

    @property
    def state_size(self) -> Any:
        return self._cell.state_size

    @property
    def output_size(self) -> Any:
        return self._cell.output_size


class InputProjectionWrapper(_Around):
    """A cell whose inputs are projected first: ``activation(W inputs + b)``."""

    def __init__(
        self,
        cell: RNNCell,
        num_proj: int,
        activation: Any = None,
        input_size: Any = None,
        reuse: Any = None,
    ) -> None:
        super().__init__(cell, reuse)
        self._num_proj = num_proj
        self._activation = None if activation is None else activation_function(activation)

    def call(self, inputs: Tensor, state: Any) -> tuple[Any, Any]:
        projected = linear(inputs, self._num_proj, bias=True)
        return self._cell(self._activation(projected) if self._activation else projected, state)


class OutputProjectionWrapper(_Around):
    """A cell whose output is projected last: ``activation(W output + b)``."""

    def __init__(
        self, cell: RNNCell, output_size: int, activation: Any = None, reuse: Any = None
    ) -> None:
        super().__init__(cell, reuse)
        if output_size < 1:
            raise ValueError(f"Parameter output_size must be > 0: {output_size}.")
        self._size = output_size
        self._activation = None if activation is None else activation_function(activation)

    @property
    def output_size(self) -> int:
        return self._size

    def call(self, inputs: Any, state: Any) -> tuple[Tensor, Any]:
        output, new = self._cell(inputs, state)
        projected = linear(output, self._size, bias=True)
        return (self._activation(projected) if self._activation else projected), new


class EmbeddingWrapper(_Around):
    """A cell of classes, int ``[batch]`` or ``[batch, 1]``, which are embedded first.  The table is
    the variable ``embedding``, uniform in [-sqrt(3), sqrt(3)] where no initializer is given."""

    def __init__(
        self,
        cell: RNNCell,
        embedding_classes: int,
        embedding_size: int,
        initializer: Any = None,
        reuse: Any = None,
    ) -> None:
        super().__init__(cell, reuse)
        if embedding_classes <= 0 or embedding_size <= 0:
            raise ValueError(
                "Both embedding_classes and embedding_size must be > 0: "
                f"{embedding_classes}, {embedding_size}."
            )
        self._classes, self._size, self._initializer = (
            embedding_classes, embedding_size, initializer,
        )  # fmt: skip

    def call(self, inputs: Tensor, state: Any) -> tuple[Any, Any]:
        far = math.sqrt(3.0)
        start = self._initializer or get_variable_scope().initializer
        table = get_variable(
            "embedding", [self._classes, self._size], nest.flatten(state)[0].dtype,
            start or random_uniform_initializer(-far, far),
        )  # fmt: skip
        return self._cell(embedding_lookup(table, reshape(inputs, [-1])), state)


class AttentionCellWrapper(_Around):
    """A cell with attention to its last ``attn_length`` outputs (after Bahdanau et al., 2015).

    Its state is the cell's, the attention ``[batch, attn_size]``, and those outputs, ``[batch,
    attn_size * attn_length]``: a tuple, or all side by side.
    """

    def __init__(
        self,
        cell: RNNCell,
        attn_length: int,
        attn_size: int | None = None,
        attn_vec_size: int | None = None,
        input_size: int | None = None,
        state_is_tuple: bool = True,
        reuse: Any = None,
    ) -> None:
        super().__init__(cell, reuse)
        if nest.is_nested(cell.state_size) and not state_is_tuple:
            raise ValueError(
                f"the cell has a state of several parts, {cell.state_size}, so that "
                "state_is_tuple=False cannot be"
            )
        if attn_length <= 0:
            raise ValueError(f"attn_length should be greater than zero, got {attn_length}")
        self._length, self._state_is_tuple = attn_length, state_is_tuple
        self._size = cell.output_size if attn_size is None else attn_size
        self._vec_size = self._size if attn_vec_size is None else attn_vec_size
        self._input_size = input_size

    @property
    def state_size(self) -> Any:
        sizes = (self._cell.state_size, self._size, self._size * self._length)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> int:
        return self._size

    def call(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
        if self._state_is_tuple:
            held, attention, outputs = state
        else:
            first = self._cell.state_size
            second = first + self._size
            held, attention = state[:, :first], state[:, first:second]
            outputs = state[:, second:]
        before = reshape(outputs, [-1, self._length, self._size])
        size = self._input_size or input_depth(self, inputs.shape)  # type: ignore[attr-defined]
        output, new = self._cell(linear([inputs, attention], size, bias=True), held)
        query = concat(nest.flatten(new), 1) if self._state_is_tuple else new
        attention, rest = self._attended(query, before)
        with variable_scope("attn_output_projection"):
            output = linear([output, attention], self._size, bias=True)
        kept = concat([rest, expand_dims(output, 1)], 1)
        kept = reshape(kept, [-1, self._length * self._size])
        after = (new, attention, kept)
        return output, after if self._state_is_tuple else concat(list(after), 1)

    def _attended(self, query: Tensor, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """What is seen of the outputs ``[batch, length, size]``, and these without the first."""
        b, dtype = builder(query), query.dtype
        with variable_scope("attention"):
            shape = [1, 1, self._size, self._vec_size]
            kernel = as_tensor(get_variable("attn_w", shape, dtype))
            v = as_tensor(get_variable("attn_v", [self._vec_size], dtype))
            wanted = linear(query, self._vec_size, bias=True)
        flat = b.matmul(reshape(outputs, [-1, self._size]), reshape(kernel, shape[2:]))
        features = reshape(flat, [-1, self._length, self._vec_size])
        scores = reduce_sum(v * b.tanh(features + expand_dims(wanted, 1)), [2])
        seen = reduce_sum(expand_dims(softmax(scores), 2) * outputs, [1])
        return seen, outputs[:, 1:]


class HighwayWrapper(Wrapper):
    """A cell whose output is mixed with its inputs by a gate (Srivastava, Greff and Schmidhuber,
    "Highway Networks", 2015); inputs and outputs are of one size.

    The gate that carries the inputs starts as sigmoid(``carry_bias_init``); the other is what is
    left of it, or one of its own unless ``couple_carry_transform_gates``.
    """

    def __init__(
        self,
        cell: RNNCell,
        couple_carry_transform_gates: bool = True,
        carry_bias_init: float = 1.0,
    ) -> None:
        super().__init__(cell)
        self._coupled, self._start = couple_carry_transform_gates, carry_bias_init

    def call(self, inputs: Any, state: Any, where: dict) -> tuple[Any, Any]:
        outputs, new = self._cell(inputs, state, **where)
        nest.assert_same_structure(inputs, outputs)
        return nest.map_structure(self._mixed, inputs, outputs), new

    def _mixed(self, x: Tensor, y: Tensor) -> Tensor:
        if not TensorShape(x.type.shape).is_compatible_with(TensorShape(y.type.shape)):
            raise ValueError(f"inputs and outputs must be of one shape: {x.type}, {y.type}")
        carried = self._gate(x, "carry", self._start)
        passed = 1.0 - carried if self._coupled else self._gate(x, "transform", -self._start)
        return x * carried + y * passed

    def _gate(self, x: Tensor, name: str, start: float) -> Tensor:
        size = input_depth(self, x.shape)  # type: ignore[attr-defined]
        kernel = get_variable(f"{name}_w", [size, size], x.dtype)
        bias = get_variable(
            f"{name}_b", [size], x.dtype, constant_initializer(start, dtype=x.dtype)
        )
        return builder(x).sigmoid(xw_plus_b(x, kernel, bias))


class CompiledWrapper(Wrapper):
    """The cell itself: every graph is compiled."""

    def __init__(self, cell: RNNCell, compile_stateful: bool = False) -> None:
        super().__init__(cell)

    def call(self, inputs: Any, state: Any, where: dict) -> tuple[Any, Any]:
        return self._cell(inputs, state, **where)
