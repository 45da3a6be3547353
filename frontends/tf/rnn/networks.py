"""Cells along time: ``tf.nn.dynamic_rnn`` in a loop of the graph, ``tf.nn.static_rnn`` written
out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frontends.tf.graph.tensor import builder, convert
from frontends.tf.names.missing import resolve
from frontends.tf.platform import nest
from frontends.tf.rnn.cell import zeros_of
from frontends.tf.rnn.states import check_next, checked_start
from frontends.tf.variables.scopes import VariableScope, variable_scope
from graphc.errors import ShapeError
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.dtype import int32, int64
from graphc.ir.graph import Tensor, default_graph
from graphc.ir.source import here


def dynamic_rnn(
    cell: Any,
    inputs: Any,
    sequence_length: Any = None,
    initial_state: Any = None,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple[Any, Any]:
    """Run ``cell`` along time: its outputs ``[batch, time, size]``, and the last state.

    ``inputs`` is ``[batch, time, ...]`` (``[time, batch, ...]`` and such outputs if
    ``time_major``), or a nest of those.  From ``sequence_length`` (int32 ``[batch]``) on, outputs
    are 0 and the state stays.  The state starts as ``initial_state``, else as zeros of ``dtype``.
    ``parallel_iterations`` and ``swap_memory`` are accepted.

    >>> outputs, state = tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(64), x, dtype=tf.float32)
    """
    require_cell(cell)
    with _opened(scope, "rnn"):
        xs = [convert(t) for t in nest.flatten(inputs)]
        if not time_major:
            xs = [swapped(t) for t in xs]
        time, batch = time_and_batch(xs)
        state = _start(cell, initial_state, batch, dtype)
        lengths = None
        if sequence_length is not None:
            lengths = checked_lengths(sequence_length, batch, time)
        run = _Turns(cell, inputs, state, lengths)
        b = Builder(default_graph())
        starts = [convert(t) for t in nest.flatten(state)]
        last, rows = b.scan_over(run.turn, starts, xs, time, captures=run.captures)
        if not time_major:
            rows = [swapped(t) for t in rows]
        return nest.pack_sequence_as(run.output, rows), nest.pack_sequence_as(state, last)


class _Turns:
    """The turns of a network: the cell on flat lists of tensors."""

    def __init__(self, cell: Any, inputs: Any, state: Any, lengths: Tensor | None) -> None:
        self.cell, self.inputs, self.state = cell, inputs, state
        self.captures = [] if lengths is None else [lengths]
        self.output: Any = None

    def turn(self, step: Tensor, *given: Tensor) -> list[Tensor]:
        n = len(nest.flatten(self.state))
        k = n + len(nest.flatten(self.inputs))
        olds, slices, lengths = given[:n], given[n:k], given[k:]
        held = nest.pack_sequence_as(self.state, list(olds))
        output, new = self.cell(nest.pack_sequence_as(self.inputs, list(slices)), held)
        check_next(self.cell, self.state, new)
        self.output = output
        outs = [convert(t) for t in nest.flatten(output)]
        news = [convert(t) for t in nest.flatten(new)]
        if lengths:
            going = Builder(step.graph).less(step, lengths[0])
            outs = [_chosen(going, t, None) for t in outs]
            news = [_chosen(going, t, old) for t, old in zip(news, olds, strict=True)]
        return [*news, *outs]


def _chosen(going: Tensor, new: Tensor, old: Tensor | None) -> Tensor:
    """``new`` in the rows that go on, ``old`` (or 0) in the others; a scalar state goes on."""
    rank = new.type.rank or 0
    if rank == 0:
        return new
    b = builder(new)
    rows = b.reshape(going, shape=(going.type.dims[0], *[1] * (rank - 1)))
    return b.where(rows, new, b.zeros_like(new) if old is None else old)


def require_cell(cell: Any) -> None:
    if not callable(cell) or not hasattr(cell, "state_size") or not hasattr(cell, "output_size"):
        raise TypeError(f"cell must be an instance of RNNCell, got {cell!r}")


def _opened(scope: Any, default: str) -> variable_scope:
    if isinstance(scope, VariableScope):
        return variable_scope(scope)
    return variable_scope(scope or default)


def swapped(x: Tensor) -> Tensor:
    """Batch and time change places."""
    rank = x.type.rank
    if rank is None or rank < 2:
        raise ShapeError(
            "inputs have a batch axis and a time axis",
            rows=[("inputs", str(x.type), f"from {x.node.name}")], site=here(),
        )  # fmt: skip
    return builder(x).transpose(x, perm=(1, 0, *range(2, rank)))


def time_and_batch(xs: Sequence[Tensor]) -> tuple[Dim, Dim]:
    for x in xs:
        if x.type.shape is None or len(x.type.shape) < 2:
            raise ShapeError(
                "inputs have a batch axis and a time axis",
                rows=[("inputs", str(x.type), f"from {x.node.name}")], site=here(),
            )  # fmt: skip
    time, batch = xs[0].type.dims[:2]
    return time, batch


def _start(cell: Any, initial_state: Any, batch: Dim, dtype: Any) -> Any:
    if initial_state is not None:
        return checked_start(cell, initial_state, batch)
    if dtype is None:
        raise ValueError("If there is no initial_state, you must give a dtype.")
    make = getattr(cell, "zero_state", None)
    return make(batch, dtype) if make is not None else zeros_of(cell.state_size, batch, dtype)


def checked_lengths(given: Any, batch: Dim, time: Dim) -> Tensor:
    """The lengths of the sequences, checked: they are within the time there is."""
    lengths = convert(given)
    if lengths.dtype not in (int32, int64):
        raise TypeError(f"sequence_length must be int32 or int64, got {lengths.dtype}")
    if lengths.type.rank not in (None, 1):
        raise ValueError(
            f"sequence_length must be a vector of length batch_size, got {lengths.type}"
        )
    entries = lengths.type.dims[0] if lengths.type.rank else None
    if isinstance(entries, int) and isinstance(batch, int) and entries != batch:
        raise ShapeError(
            f"sequence_length has {entries} entries, the batch has {batch} rows", site=here(),
            rows=[("sequence_length", str(lengths.type), f"from {lengths.node.name}")],
        )  # fmt: skip
    b = builder(lengths)
    if isinstance(time, int):
        longest = b.tensor(time, like=lengths)
    else:
        longest = b.dim_value(dim=time, dtype=lengths.dtype)
    check = resolve("assert_less_equal")(
        lengths, longest, message="a sequence_length is beyond the time there is"
    )
    lengths = b.cast(lengths, dtype=int32)
    return b.identity(lengths, name="CheckSeqLen", control=[getattr(check, "node", check)])


def bidirectional_dynamic_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Any,
    sequence_length: Any = None,
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Two networks, one along time and one against it: ``((outputs, outputs), (state, state))``.

    The outputs of the second are turned round again; with ``sequence_length``, each sequence is
    turned round by itself.
    """
    require_cell(cell_fw)
    require_cell(cell_bw)
    axes = {"seq_axis": 0, "batch_axis": 1} if time_major else {"seq_axis": 1, "batch_axis": 0}

    def turned(x: Any) -> Any:
        if sequence_length is not None:
            return resolve("reverse_sequence")(x, sequence_length, **axes)
        return resolve("reverse")(x, [axes["seq_axis"]])

    with _opened(scope, "bidirectional_rnn"):
        same = {"sequence_length": sequence_length, "dtype": dtype, "time_major": time_major}
        with variable_scope("fw") as forward:
            outputs, state = dynamic_rnn(
                cell_fw, inputs, initial_state=initial_state_fw, scope=forward, **same
            )
        with variable_scope("bw") as backward:
            back = nest.map_structure(turned, inputs)
            outputs_bw, state_bw = dynamic_rnn(
                cell_bw, back, initial_state=initial_state_bw, scope=backward, **same
            )
        return (outputs, nest.map_structure(turned, outputs_bw)), (state, state_bw)


def static_rnn(
    cell: Any,
    inputs: Any,
    initial_state: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """Run ``cell`` on a list of inputs ``[batch, size]``, one for each turn, written out: the list
    of its outputs, and the last state.

    >>> outputs, state = tf.nn.static_rnn(cell, tf.unstack(x, axis=1), dtype=tf.float32)
    """
    require_cell(cell)
    if not isinstance(inputs, list | tuple):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("inputs must not be empty")
    outputs: list[Any] = []
    with _opened(scope, "rnn") as opened:
        first = convert(nest.flatten(inputs[0])[0])
        if not first.type.shape:
            rows = [("inputs", str(first.type), "")]
            raise ShapeError("inputs are [batch, size]", site=here(), rows=rows)
        state = _start(cell, initial_state, first.type.dims[0], dtype)
        lengths = None
        if sequence_length is not None:
            lengths = checked_lengths(sequence_length, first.type.dims[0], len(inputs))
        for k, value in enumerate(inputs):
            if k:
                opened.reuse_variables()
            output, new = cell(value, state)
            check_next(cell, state, new)
            if lengths is not None:
                going = builder(lengths).less(builder(lengths).tensor(k), lengths)
                output = nest.map_structure(lambda t, g=going: _chosen(g, convert(t), None), output)
                new = nest.map_structure(
                    lambda t, old, g=going: _chosen(g, convert(t), convert(old)), new, state
                )
            state = new
            outputs.append(output)
    return outputs, state


def static_bidirectional_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Any,
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any, Any]:
    """As :func:`bidirectional_dynamic_rnn`, written out: the outputs of both joined, and the two
    last states."""
    require_cell(cell_fw)
    require_cell(cell_bw)
    if not isinstance(inputs, list) or not inputs:
        raise TypeError("inputs must be a list of one tensor at least")

    def turned(values: list[Any]) -> list[Any]:
        if sequence_length is None:
            return values[::-1]
        stacked = resolve("stack")(values)
        back = resolve("reverse_sequence")(stacked, sequence_length, seq_axis=0, batch_axis=1)
        return resolve("unstack")(back, num=len(values))

    with _opened(scope, "bidirectional_rnn"):
        same = {"dtype": dtype, "sequence_length": sequence_length}
        with variable_scope("fw") as forward:
            outputs, state = static_rnn(cell_fw, inputs, initial_state_fw, scope=forward, **same)
        with variable_scope("bw") as backward:
            back, state_bw = static_rnn(
                cell_bw, turned(inputs), initial_state_bw, scope=backward, **same
            )
        joined = [
            resolve("concat")([one, two], 1) for one, two in zip(outputs, turned(back), strict=True)
        ]
        return joined, state, state_bw
