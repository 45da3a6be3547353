"""``tf.contrib.seq2seq.AttentionWrapper``: a cell that looks at a memory in every turn."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any

from frontends.tf.contrib.seq2seq.mechanisms import AttentionMechanism, layer
from frontends.tf.functions.arrays import concat
from frontends.tf.functions.assertions import assert_equal
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.names.missing import resolve
from frontends.tf.platform import nest
from frontends.tf.rnn.cell import RNNCell, zeros_of
from frontends.tf.rnn.networks import require_cell
from graphc.errors import ShapeError
from graphc.ir.dtype import int32
from graphc.ir.graph import Tensor
from graphc.ir.source import here
from graphc.ir.types import Equal

_TILE = "a BeamSearchDecoder needs tf.contrib.seq2seq.tile_batch(memory, multiplier=beam_width)"
_Fields = namedtuple(
    "_Fields",
    ("cell_state", "attention", "time", "alignments", "alignment_history", "attention_state"),
)


class AttentionWrapperState(_Fields):
    """The state of an :class:`AttentionWrapper`: the cell's, the attention ``[batch, size]`` of the
    last turn, the number of turns, the weights ``[batch, time]``, all weights so far as a
    TensorArray (or nothing), and the mechanism's state."""

    __slots__ = ()

    def clone(self, **kwargs: Any) -> AttentionWrapperState:
        """The same state with some parts replaced by others of the same shapes.

        >>> wrapper.zero_state(batch, tf.float32).clone(cell_state=encoder_state)
        """
        new = self._replace(**kwargs)
        for field in kwargs:
            old, given = getattr(self, field), getattr(new, field)
            nest.assert_same_structure(old, given)
            for was, now in zip(nest.flatten(old), nest.flatten(given), strict=True):
                _check_alike(field, was, now)
        return new


def _check_alike(field: str, old: Any, new: Any) -> None:
    if not isinstance(old, Tensor):
        return
    given = convert(new)
    if not TensorShape(old.type.shape).is_compatible_with(TensorShape(given.type.shape)):
        raise ShapeError(
            f"{field} of the clone has another shape", site=here(),
            rows=[("the state's", str(old.type), ""),
                  ("given", str(given.type), f"from {given.node.name}")],
        )  # fmt: skip


class AttentionWrapper(RNNCell):
    """A cell with attention: its inputs are joined with the attention of the turn before, its
    output asks the mechanism, and what it sees there is the new attention.

    With ``attention_layer_size`` (or ``attention_layer``) the attention is a layer of the cell's
    output and the context (Luong et al., 2015); without, it is the context.  ``output_attention``
    says whether the attention or the cell's output is the output.  Several mechanisms, a list, are
    joined.  ``cell_input_fn(inputs, attention)`` makes the cell's inputs; ``attention_fn(mechanism,
    cell_output, attention_state, attention_layer)`` gives attention, weights and next state.

    >>> cell = tf.contrib.seq2seq.AttentionWrapper(cell, LuongAttention(64, memory, lengths), 64)
    """

    def __init__(
        self,
        cell: Any,
        attention_mechanism: Any,
        attention_layer_size: Any = None,
        alignment_history: bool = False,
        cell_input_fn: Callable | None = None,
        output_attention: bool = True,
        initial_cell_state: Any = None,
        name: str | None = None,
        attention_layer: Any = None,
        attention_fn: Callable | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        require_cell(cell)
        self._is_multi = isinstance(attention_mechanism, list | tuple)
        mechanisms = list(attention_mechanism) if self._is_multi else [attention_mechanism]
        for mechanism in mechanisms:
            if not isinstance(mechanism, AttentionMechanism):
                raise TypeError(
                    f"attention_mechanism must be an AttentionMechanism, saw: {type(mechanism)}"
                )
        if cell_input_fn is not None and not callable(cell_input_fn):
            raise TypeError(f"cell_input_fn must be callable, saw: {type(cell_input_fn)}")
        self._cell, self._mechanisms = cell, mechanisms
        self._layers = _layers(len(mechanisms), attention_layer_size, attention_layer, dtype)
        self._size = _attention_size(mechanisms, self._layers)
        self._keeps_history, self._output_attention = alignment_history, output_attention
        self._cell_input_fn = cell_input_fn or (lambda x, attention: concat([x, attention], -1))
        self._attention_fn = attention_fn or _attend
        self._initial_cell_state = initial_cell_state

    def _some(self, values: Sequence[Any]) -> Any:
        """One value for each mechanism: a tuple where several were given."""
        return tuple(values) if self._is_multi else values[0]

    @property
    def output_size(self) -> Any:
        return self._size if self._output_attention else self._cell.output_size

    @property
    def state_size(self) -> AttentionWrapperState:
        sizes = [m.alignments_size for m in self._mechanisms]
        history = sizes if self._keeps_history else [()] * len(sizes)
        return AttentionWrapperState(
            cell_state=self._cell.state_size, time=TensorShape([]), attention=self._size,
            alignments=self._some(sizes), alignment_history=self._some(history),
            attention_state=self._some([m.state_size for m in self._mechanisms]),
        )  # fmt: skip

    def zero_state(self, batch_size: Any, dtype: Any) -> AttentionWrapperState:
        """The state before the first turn: zeros, but for an ``initial_cell_state``."""
        with resolve("name_scope")(f"{type(self).__name__}ZeroState", values=[batch_size]):
            held = self._initial_cell_state
            if held is None:
                held = self._cell.zero_state(batch_size, dtype)
            else:
                held = nest.map_structure(lambda t: self._of_rows(convert(t), batch_size), held)
            starts = [m.initial_alignments(batch_size, dtype) for m in self._mechanisms]
            history: list[Any] = [()] * len(starts)
            if self._keeps_history:
                array = resolve("TensorArray")
                history = [
                    array(dtype, size=0, dynamic_size=True, element_shape=start.shape)
                    for start in starts
                ]
            return AttentionWrapperState(
                cell_state=held, time=resolve("zeros")([], int32),
                attention=zeros_of(self._size, batch_size, dtype), alignments=self._some(starts),
                attention_state=self._some(
                    [m.initial_state(batch_size, dtype) for m in self._mechanisms]
                ),
                alignment_history=self._some(history),
            )  # fmt: skip

    def _of_rows(self, state: Tensor, batch_size: Any) -> Tensor:
        """A given state, whose rows must be as many as the batch has."""
        if not state.type.rank:
            return state
        b = builder(state)
        rows = b.dim_value(dim=state.type.dims[0], dtype=int32)
        check = assert_equal(
            rows, convert(batch_size, int32), message=f"initial_cell_state of {self.name}: "
            "Non-matching batch sizes of the state and of zero_state's batch_size",
        )  # fmt: skip
        return b.identity(state, control=[check])

    def call(self, inputs: Any, state: Any) -> tuple[Any, AttentionWrapperState]:
        if not isinstance(state, AttentionWrapperState):
            raise TypeError(
                "Expected state to be instance of AttentionWrapperState. Received type "
                f"{type(state)} instead."
            )
        joined = self._cell_input_fn(inputs, state.attention)
        output, cell_state = self._cell(joined, state.cell_state)
        output = self._checked(convert(output))
        before = state.attention_state if self._is_multi else [state.attention_state]
        history = state.alignment_history if self._is_multi else [state.alignment_history]
        made, weights, after, kept = [], [], [], []
        for k, mechanism in enumerate(self._mechanisms):
            above = self._layers[k] if self._layers else None
            attention, alignments, new = self._attention_fn(mechanism, output, before[k], above)
            made.append(attention)
            weights.append(alignments)
            after.append(new)
            array = history[k]
            kept.append(array.write(state.time, alignments) if self._keeps_history else ())
        attention = made[0] if len(made) == 1 else concat(made, 1)
        new_state = AttentionWrapperState(
            cell_state=cell_state, attention=attention, time=convert(state.time) + 1,
            alignments=self._some(weights), attention_state=self._some(after),
            alignment_history=self._some(kept),
        )  # fmt: skip
        return attention if self._output_attention else output, new_state

    def _checked(self, output: Tensor) -> Tensor:
        """The cell's output, whose rows must be as many as those of every memory."""
        rows = output.type.dims[0]
        for mechanism in self._mechanisms:
            held = getattr(mechanism, "rows", rows)
            if isinstance(held, int) and isinstance(rows, int) and held != rows:
                raise ShapeError(
                    f"the memory has {held} rows, the cell's output has {rows}",
                    subject=self.name, hint=_TILE, site=here(),
                    rows=[("output", str(output.type), f"from {output.node.name}")],
                )  # fmt: skip
            if held != rows:
                output = builder(output).identity(output, name="checked_cell_output")
                output.node.checks += (Equal(rows, held, f"rows of inputs and memory: {_TILE}"),)
        return output


def _attend(mechanism: Any, output: Any, state: Any, above: Any) -> tuple[Any, Any, Any]:
    """The attention of a turn, the weights, the mechanism's next state."""
    alignments, after = mechanism(output, state=state)
    b, values = builder(alignments), mechanism.values
    seen = b.matmul(b.expand_dims(alignments, axis=1), values)  # [batch, 1, size]
    context = b.squeeze(seen, axis=(1,))
    attention = context if above is None else above(concat([output, context], 1))
    return attention, alignments, after


def _layers(count: int, sizes: Any, layers: Any, dtype: Any) -> list[Any] | None:
    """The attention layers, one for each mechanism, if there are any."""
    if sizes is not None and layers is not None:
        raise ValueError("Only one of attention_layer_size and attention_layer should be set")
    given = sizes if sizes is not None else layers
    if given is None:
        return None
    each = list(given) if isinstance(given, list | tuple) else [given]
    if len(each) != count:
        raise ValueError(
            f"there are {count} attention mechanisms and {len(each)} attention layers; "
            "give one layer (size) for each"
        )
    if layers is not None:
        return each
    return [layer("attention_layer", size, dtype) for size in each]


def _attention_size(mechanisms: Sequence[Any], layers: Sequence[Any] | None) -> int:
    total: Any = 0
    for k, mechanism in enumerate(mechanisms):
        size = TensorShape(mechanism.values.type.shape).as_list()[-1]
        if layers is not None:
            below = TensorShape([None, size])
            size = layers[k].compute_output_shape(below).as_list()[-1]
        total += size
    return total
