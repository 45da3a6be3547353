"""``tf.nn.static_state_saving_rnn``: a network whose state somebody else keeps between runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frontends.tf.graph.tensor import as_node, builder, convert
from frontends.tf.platform import nest
from frontends.tf.rnn.networks import static_rnn


def static_state_saving_rnn(
    cell: Any,
    inputs: Sequence[Any],
    state_saver: Any,
    state_name: Any,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """Run ``cell`` on a list of inputs from the state that ``state_saver.state(name)`` gives, and
    give the last one to ``state_saver.save_state(name, value)``: the outputs and the last state,
    which are there once it is saved.

    ``state_name`` is a name, or a tuple of names as the cell's state is nested.
    """
    sizes, names = nest.flatten(cell.state_size), nest.flatten(state_name)
    if nest.is_nested(cell.state_size) != nest.is_nested(state_name) or len(sizes) != len(names):
        raise ValueError(
            f"state_name must have a name for each part of the state: {state_name!r} for "
            f"{cell.state_size}"
        )
    start = nest.pack_sequence_as(cell.state_size, [state_saver.state(name) for name in names])
    outputs, last = static_rnn(
        cell, inputs, initial_state=start, sequence_length=sequence_length, scope=scope
    )
    parts = [convert(part) for part in nest.flatten(last)]
    saved = [
        as_node(state_saver.save_state(name, part)) for name, part in zip(names, parts, strict=True)
    ]
    last = nest.pack_sequence_as(last, [builder(p).identity(p, control=saved) for p in parts])
    end = [convert(t) for t in nest.flatten(outputs[-1])]
    waited = [builder(t).identity(t, control=saved) for t in end]
    return [*outputs[:-1], nest.pack_sequence_as(outputs[-1], waited)], last
