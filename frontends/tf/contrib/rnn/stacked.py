"""Networks of several layers that look both ways, and small things around networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frontends.tf.functions.arrays import concat
from frontends.tf.functions.arrays import shape as shape_of
from frontends.tf.graph.tensor import convert
from frontends.tf.rnn.networks import (
    bidirectional_dynamic_rnn,
    static_bidirectional_rnn,
    swapped,
)
from frontends.tf.variables.scopes import variable_scope
from graphc.ir.graph import Tensor


def stack_bidirectional_rnn(
    cells_fw: Sequence[Any],
    cells_bw: Sequence[Any],
    inputs: Sequence[Any],
    initial_states_fw: Sequence[Any] | None = None,
    initial_states_bw: Sequence[Any] | None = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], tuple, tuple]:
    """Layers of cells along and against time, written out: each layer is given the joined outputs
    of the one below.  The outputs of the last, and the last states of all layers, both ways."""
    starts_fw, starts_bw = _checked(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    states_fw, states_bw, outputs = [], [], list(inputs)
    with variable_scope(scope or "stack_bidirectional_rnn"):
        for k, (fw, bw) in enumerate(zip(cells_fw, cells_bw, strict=True)):
            with variable_scope(f"cell_{k}"):
                outputs, state_fw, state_bw = static_bidirectional_rnn(
                    fw, bw, outputs, starts_fw[k], starts_bw[k], dtype, sequence_length
                )
            states_fw.append(state_fw)
            states_bw.append(state_bw)
    return outputs, tuple(states_fw), tuple(states_bw)


def stack_bidirectional_dynamic_rnn(
    cells_fw: Sequence[Any],
    cells_bw: Sequence[Any],
    inputs: Any,
    initial_states_fw: Sequence[Any] | None = None,
    initial_states_bw: Sequence[Any] | None = None,
    dtype: Any = None,
    sequence_length: Any = None,
    parallel_iterations: int | None = None,
    time_major: bool = False,
    scope: Any = None,
    swap_memory: bool = False,
) -> tuple[Any, tuple, tuple]:
    """Layers of cells along and against time, each a loop of the graph: the joined outputs of the
    last layer ``[batch, time, size]``, and the last states of all layers, both ways.

    >>> outputs, fw, bw = tf.contrib.rnn.stack_bidirectional_dynamic_rnn(
    ...     [GRUCell(64), GRUCell(64)], [GRUCell(64), GRUCell(64)], x, dtype=tf.float32)
    """
    starts_fw, starts_bw = _checked(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    states_fw, states_bw, outputs = [], [], inputs
    with variable_scope(scope or "stack_bidirectional_rnn"):
        for k, (fw, bw) in enumerate(zip(cells_fw, cells_bw, strict=True)):
            with variable_scope(f"cell_{k}"):
                both, (state_fw, state_bw) = bidirectional_dynamic_rnn(
                    fw, bw, outputs, initial_state_fw=starts_fw[k], initial_state_bw=starts_bw[k],
                    sequence_length=sequence_length, dtype=dtype, time_major=time_major,
                )  # fmt: skip
                outputs = concat(list(both), 2)
            states_fw.append(state_fw)
            states_bw.append(state_bw)
    return outputs, tuple(states_fw), tuple(states_bw)


def _checked(
    cells_fw: Any, cells_bw: Any, states_fw: Any, states_bw: Any
) -> tuple[list[Any], list[Any]]:
    """The initial states of each layer, None where there are none."""
    for label, cells in (("cells_fw", cells_fw), ("cells_bw", cells_bw)):
        if not isinstance(cells, list) or not cells:
            raise ValueError(f"{label} must be a list of one cell at least, got {cells!r}")
    if len(cells_fw) != len(cells_bw):
        raise ValueError(
            f"Forward and Backward cells must have the same depth: {len(cells_fw)}, {len(cells_bw)}"
        )
    starts = []
    for label, states in (("initial_states_fw", states_fw), ("initial_states_bw", states_bw)):
        if states is not None and (
            not isinstance(states, list | tuple) or len(states) != len(cells_fw)
        ):
            raise ValueError(f"{label} must be a list of {len(cells_fw)} states, one for each cell")
        starts.append([None] * len(cells_fw) if states is None else list(states))
    return starts[0], starts[1]


def transpose_batch_time(x: Any) -> Tensor:
    """Batch and time, the first two axes, change places; a vector or scalar stays as it is."""
    found = convert(x)
    return found if found.type.rank is not None and found.type.rank < 2 else swapped(found)


def best_effort_input_batch_size(flat_input: Sequence[Any]) -> Any:
    """The batch's size of inputs ``[time, batch, ...]``: an int where one of them tells, else a
    scalar of the run."""
    for value in flat_input:
        dims = convert(value).type.shape
        if dims is not None and len(dims) > 1 and isinstance(dims[1], int):
            return dims[1]
    return shape_of(flat_input[0])[1]
