"""Whole sequences in one call: ``outputs, state = cell(inputs, initial_state, dtype,
sequence_length)`` of inputs ``[time, batch, size]``."""

from __future__ import annotations

import abc
from typing import Any

from frontends.tf.contrib.rnn.block import lstm_step, lstm_variables
from frontends.tf.functions.arrays import stack, unstack
from frontends.tf.functions.moving import reverse, reverse_sequence
from frontends.tf.graph.tensor import convert
from frontends.tf.layers.layer import Layer
from frontends.tf.platform import nest
from frontends.tf.rnn.cell import input_depth, zeros_of
from frontends.tf.rnn.cells import LSTMStateTuple, affine
from frontends.tf.rnn.networks import dynamic_rnn, static_rnn
from frontends.tf.variables.scopes import variable_scope
from graphc.ir.graph import Tensor


class FusedRNNCell(abc.ABC):
    """A network along time in one call.

    ``inputs`` is ``[time, batch, size]`` or a list of ``[batch, size]``, and so are the outputs.
    """

    @abc.abstractmethod
    def __call__(
        self,
        inputs: Any,
        initial_state: Any = None,
        dtype: Any = None,
        sequence_length: Any = None,
        scope: Any = None,
    ) -> tuple[Any, Any]:
        """The outputs of all turns, and the last state."""


class FusedRNNCellAdaptor(FusedRNNCell):
    """An ordinary cell along time: in a loop of the graph if ``use_dynamic_rnn``, else written
    out."""

    def __init__(self, cell: Any, use_dynamic_rnn: bool = False) -> None:
        self._cell, self._use_dynamic_rnn = cell, use_dynamic_rnn

    def __call__(
        self,
        inputs: Any,
        initial_state: Any = None,
        dtype: Any = None,
        sequence_length: Any = None,
        scope: Any = None,
    ) -> tuple[Any, Any]:
        listed = isinstance(inputs, list | tuple)
        same = {"sequence_length": sequence_length, "initial_state": initial_state}
        if self._use_dynamic_rnn:
            rows = stack(inputs) if listed else inputs
            outputs, state = dynamic_rnn(
                self._cell, rows, dtype=dtype, time_major=True, scope=scope, **same
            )
            return (unstack(outputs) if listed else outputs), state
        rows = list(inputs) if listed else unstack(inputs)
        outputs, state = static_rnn(self._cell, rows, dtype=dtype, scope=scope, **same)
        return (outputs if listed else stack(outputs)), state


class TimeReversedFusedRNN(FusedRNNCell):
    """A network against time: its inputs are turned round, and its outputs turned back; with
    ``sequence_length``, each sequence by itself."""

    def __init__(self, cell: Any) -> None:
        self._cell = cell

    def _turned(self, values: Any, lengths: Any) -> Any:
        if isinstance(values, list | tuple):
            if lengths is None:
                return list(values)[::-1]
            return unstack(self._turned(stack(values), lengths))
        if lengths is None:
            return reverse(values, [0])
        return reverse_sequence(values, lengths, seq_axis=0, batch_axis=1)

    def __call__(
        self,
        inputs: Any,
        initial_state: Any = None,
        dtype: Any = None,
        sequence_length: Any = None,
        scope: Any = None,
    ) -> tuple[Any, Any]:
        with variable_scope(scope or "rev_rnn"):
            outputs, state = self._cell(
                self._turned(inputs, sequence_length), initial_state=initial_state, dtype=dtype,
                sequence_length=sequence_length,
            )  # fmt: skip
            return self._turned(outputs, sequence_length), state


class LSTMBlockWrapper(Layer):
    """An LSTM along time; a subclass says ``num_units`` and computes in ``_call_cell(inputs,
    initial_cell_state, initial_output, dtype, sequence_length)``, which gives the cells and the
    outputs of all turns, ``[time, batch, units]``."""

    @property
    @abc.abstractmethod
    def num_units(self) -> int:
        """The number of units."""

    @abc.abstractmethod
    def _call_cell(
        self,
        inputs: Tensor,
        initial_cell_state: Any,
        initial_output: Any,
        dtype: Any,
        sequence_length: Any,
    ) -> tuple[Tensor, Tensor]: ...

    @property
    def state_size(self) -> LSTMStateTuple:
        return LSTMStateTuple(self.num_units, self.num_units)

    @property
    def output_size(self) -> int:
        return self.num_units

    def __call__(
        self,
        inputs: Any,
        initial_state: Any = None,
        dtype: Any = None,
        sequence_length: Any = None,
        scope: Any = None,
    ) -> tuple[Any, LSTMStateTuple]:
        listed = isinstance(inputs, list | tuple)
        rows = convert(stack(inputs) if listed else inputs)
        given = {} if scope is None else {"scope": scope}
        outputs, state = super().__call__(
            rows, initial_state=initial_state, dtype=dtype, sequence_length=sequence_length,
            **given,
        )  # fmt: skip
        return (unstack(outputs) if listed else outputs), state

    def call(
        self,
        inputs: Tensor,
        initial_state: Any = None,
        dtype: Any = None,
        sequence_length: Any = None,
    ) -> tuple[Tensor, LSTMStateTuple]:
        if inputs.type.rank != 3:
            raise ValueError(f"Expecting inputs of 3 axes, got {inputs.type}")
        if initial_state is None:
            if dtype is None:
                raise ValueError("Either initial_state or dtype needs to be specified")
            initial_state = zeros_of(self.state_size, inputs.type.dims[1], dtype)
        elif len(initial_state) != 2:
            raise ValueError("Expecting initial_state to be a tuple with length 2 or None")
        return self._run(inputs, initial_state, dtype, sequence_length)

    def _run(
        self, inputs: Tensor, state: Any, dtype: Any, lengths: Any
    ) -> tuple[Tensor, LSTMStateTuple]:
        cells, outputs = self._call_cell(inputs, state[0], state[1], dtype, lengths)
        if lengths is None:
            return outputs, LSTMStateTuple(cells[-1], outputs[-1])
        from frontends.tf.functions.arrays import batch_gather, concat, expand_dims, transpose

        def last(rows: Tensor, start: Any) -> Tensor:
            """The row that each sequence ends with: the start where it has none."""
            every = transpose(concat([expand_dims(convert(start), 0), rows], 0), [1, 0, 2])
            return batch_gather(every, expand_dims(convert(lengths), 1))[:, 0]

        return outputs, LSTMStateTuple(last(cells, state[0]), last(outputs, state[1]))


class LSTMBlockFusedCell(LSTMBlockWrapper):
    """An LSTM along time with peepholes and a clipped cell where asked for: outputs ``[time, batch,
    units]``, 0 from ``sequence_length`` on, and the last state.

    >>> outputs, state = tf.contrib.rnn.LSTMBlockFusedCell(64)(x, dtype=tf.float32)
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        cell_clip: float | None = None,
        use_peephole: bool = False,
        reuse: Any = None,
        dtype: Any = None,
        name: str = "lstm_fused_cell",
    ) -> None:
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._num_units, self._forget_bias = num_units, forget_bias
        self._use_peephole = use_peephole
        self._cell_clip = -1.0 if cell_clip is None else cell_clip

    @property
    def num_units(self) -> int:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        rows = input_depth(self, input_shape) + self._num_units
        self._kernel, self._bias, self._peepholes = lstm_variables(
            self, rows, self._num_units, self._use_peephole
        )
        self.built = True

    def _run(
        self, inputs: Tensor, state: Any, dtype: Any, lengths: Any
    ) -> tuple[Tensor, LSTMStateTuple]:
        cell = _Turn(self)
        start = LSTMStateTuple(*(convert(t) for t in nest.flatten(state)))
        return dynamic_rnn(
            cell, inputs, sequence_length=lengths, initial_state=start, time_major=True
        )

    def _call_cell(self, *given: Any) -> tuple[Tensor, Tensor]:
        raise NotImplementedError("the turns of this cell are a loop of the graph")


class _Turn:
    """One turn of a fused cell, of the variables it has."""

    def __init__(self, whole: LSTMBlockFusedCell) -> None:
        self.whole = whole
        self.state_size, self.output_size = whole.state_size, whole.output_size

    def __call__(self, inputs: Tensor, state: Any) -> tuple[Tensor, LSTMStateTuple]:
        cell, (c, h) = self.whole, state
        gates = affine([inputs, h], cell._kernel, cell._bias)
        new_c, new_h = lstm_step(gates, c, cell._forget_bias, cell._cell_clip, cell._peepholes)
        return new_h, LSTMStateTuple(new_c, new_h)
