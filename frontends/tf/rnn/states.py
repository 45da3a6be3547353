"""What is refused of states: of those a network starts from, and of those a cell gives back."""

from __future__ import annotations

from typing import Any

from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import convert
from frontends.tf.platform import nest
from graphc.errors import GraphError, ShapeError
from graphc.ir.builder import as_tensor
from graphc.ir.dims import Dim
from graphc.ir.source import here


def checked_start(cell: Any, state: Any, batch: Dim) -> Any:
    """The state a network starts from, which must be nested and sized as the cell says."""
    size = cell.state_size
    hint = "cell.zero_state(batch, dtype) makes one that fits"
    if _is_shape(size) and not nest.is_nested(state):
        return state
    if not _nested_alike(size, state):
        raise GraphError(
            "the initial state is not nested as the cell's state is", subject=_title(cell),
            rows=[("state_size", str(size), ""), ("initial_state", _shown(state), "")],
            site=here(), hint=hint,
        )  # fmt: skip
    for wanted, given in zip(nest.flatten(size), nest.flatten(state), strict=True):
        tensor = as_tensor(given)
        one = _row(wanted)
        if tensor is None or one is None:
            continue
        if not TensorShape([batch, *one]).is_compatible_with(TensorShape(tensor.type.shape)):
            raise ShapeError(
                f"a part of the initial state must be {TensorShape([batch, *one])}",
                subject=_title(cell), hint=hint, site=here(),
                rows=[("given", str(tensor.type), f"from {tensor.node.name}")],
            )  # fmt: skip
    return state


def check_next(cell: Any, state: Any, new: Any) -> None:
    """Refuse a new state that is nested differently from the one the cell was given."""
    try:
        nest.assert_same_structure(state, new)
    except (TypeError, ValueError) as error:
        raise GraphError(
            "the cell gives back a state that is not nested as the one it was given",
            subject=_title(cell), site=here(),
            rows=[("given", _shown(state), ""), ("given back", _shown(new), "")],
        ) from error  # fmt: skip


def _nested_alike(size: Any, state: Any) -> bool:
    try:
        nest.assert_same_structure(size, state, check_types=False)
    except (TypeError, ValueError):
        return False
    return True


def _is_shape(size: Any) -> bool:
    """Whether a list of sizes may be the shape of one tensor, as some cells have it."""
    return isinstance(size, list) and all(isinstance(n, int) for n in size)


def _row(size: Any) -> list[Any] | None:
    """The sizes of one row of a part of the state, where they are told."""
    if isinstance(size, TensorShape):
        return None if size.ndims is None else list(size.symbolic() or ())
    return [size] if isinstance(size, int) else None


def _shown(state: Any) -> str:
    leaves = nest.flatten(state)
    shown = [str(convert(t).type) if as_tensor(t) is not None else repr(t) for t in leaves]
    return str(nest.pack_sequence_as(state, shown)).replace("'", "")


def _title(cell: Any) -> str:
    return type(cell).__name__
