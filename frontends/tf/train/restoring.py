"""Between a session and a checkpoint: which variables, under which names, and their values.

A restore is all or nothing: names, shapes and dtypes are compared and every value is read before
the first variable changes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

import numpy as np

from frontends.tf.graph.building import GraphKeys
from frontends.tf.graph.shapes import TensorShape
from graphc.errors import (
    FailedPreconditionError,
    GraphError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
)
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import DType
from graphc.ir.graph import Graph, Tensor
from graphc.ir.source import here
from runtime.checkpoint.entries import Checkpoint, Entry, damaged
from runtime.checkpoint.tensor_file import Contents
from runtime.interrupts import deferred_interrupt
from runtime.variables import Seed

RANDOM = "graphc.random"  # key of a file's metadata: paths, seeds and executions of random ops
ROWS_SHOWN = 12
NEAR_SHOWN = 2

Named = Mapping[str, Tensor]  # variables by their name in a checkpoint


# --- which variables -----------------------------------------------------------------------------


def named_variables(var_list: Any) -> dict[str, Tensor]:
    """A Saver's ``var_list`` (variables, or a dict of them by name) as variables by name."""
    if isinstance(var_list, Mapping):
        named = {str(name): variable_tensor(value) for name, value in var_list.items()}
        first = {tensor: name for name, tensor in reversed(named.items())}
        for name, tensor in named.items():
            if first[tensor] != name:
                raise ValueError(f"The same saveable will be restored with two names: {name}")
        return named
    if not isinstance(var_list, list | tuple | set | frozenset):
        raise TypeError(f"Variables to save should be passed in a dict or a list: {var_list!r}")
    found: dict[str, Tensor] = {}
    for value in var_list:
        tensor = variable_tensor(value)
        name = tensor.node.name
        if name in found:
            raise ValueError(f"At least two variables have the same name: {name}")
        found[name] = tensor
    return found


def variable_tensor(value: Any) -> Tensor:
    """The variable's own tensor; what is no variable is refused."""
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    tensor = as_tensor(value)
    if tensor is None or tensor.node.op.name != "variable":
        raise TypeError(f"Variable to save is not a Variable: {value!r}")
    return tensor


def key_of(variable: Tensor) -> str:
    """What a session calls the variable."""
    return variable.node.get_attr("key")


def is_whole(named: Named, graph: Graph) -> bool:
    """Whether these are all the graph's variables under their own names: the state of a run."""
    everything = {as_tensor(v) for v in graph.collections.get(GraphKeys.GLOBAL_VARIABLES, ())}
    own = all(name == tensor.node.name for name, tensor in named.items())
    return own and everything <= set(named.values())


# --- saving --------------------------------------------------------------------------------------


@contextmanager
def contents(session: Any, named: Named) -> Iterator[Contents]:
    """What a session's variables hold; no run writes them until the block ends.

    The counts of random ops go along if the variables are a run's whole state: a resumed run then
    draws what it would have drawn.
    """
    store = session.variables
    sites = {key_of(t): t.node.site for t in named.values()}
    with store.gate.reading():
        try:
            store.require_initialized(list(sites), sites)
        except FailedPreconditionError as error:
            error.subject = "Saver.save"
            raise
        metadata = {"format": "graphc"}
        if is_whole(named, session.graph):
            rows = [[path, *seed, count] for path, (seed, count) in store.executions().items()]
            metadata[RANDOM] = json.dumps(sorted(rows, key=lambda row: row[0]))
        yield Contents(
            {name: (t.dtype, store.array(key_of(t))) for name, t in named.items()}, metadata
        )


# --- restoring -----------------------------------------------------------------------------------


def restore_into(session: Any, checkpoint: Checkpoint, named: Named, reshape: bool = False) -> None:
    """Give a session's variables their values from a checkpoint, all of them or none."""
    require_fitting(checkpoint, named, reshape)
    counts = executions_in(checkpoint) if is_whole(named, session.graph) else None
    values: dict[str, tuple[DType, np.ndarray]] = {}
    for name, tensor in named.items():
        array = checkpoint.array(name)
        if reshape and TensorShape(tensor.type.shape).is_fully_defined():
            array = array.reshape(tensor.type.shape)
        values[key_of(tensor)] = tensor.dtype, array
    store = session.variables
    with store.gate.writing(), deferred_interrupt():
        store.adopt(values)
        if counts is not None:
            store.set_executions(counts)


def executions_in(checkpoint: Checkpoint) -> dict[str, tuple[Seed, int]] | None:
    """The counts of random ops that a checkpoint holds; None if it has none."""
    text = checkpoint.metadata.get(RANDOM)
    if text is None:
        return None
    try:
        found = {}
        for path, graph_seed, op_seed, count in json.loads(text):
            numbers = [n for n in (graph_seed, op_seed) if n is not None]
            if type(count) is not int or not 0 <= count < 1 << 64 or not isinstance(path, str):
                raise ValueError(f"{path!r} cannot have run {count!r} times")
            if not all(type(n) is int for n in numbers) or not numbers:
                raise ValueError(f"{path!r} cannot have the seeds {graph_seed!r}, {op_seed!r}")
            found[path] = ((graph_seed, op_seed), count)
    except (ValueError, TypeError, RecursionError) as error:
        raise damaged(checkpoint.path, f"its {RANDOM!r} cannot be read: {error}") from None
    return found


def require_fitting(checkpoint: Checkpoint, named: Named, reshape: bool = False) -> None:
    """Raise one error that names every variable the checkpoint does not fit.

    NotFoundError if any is missing from it, InvalidArgumentError if only shapes or dtypes differ.
    """
    entries = checkpoint.entries
    missing = [name for name in named if name not in entries]
    other = [
        (name, tensor)
        for name, tensor in named.items()
        if name in entries and not _fits(entries[name], tensor, reshape)
    ]
    if not missing and not other:
        return
    unexpected = [n for n in entries if n not in named and not n.startswith("_CHECKPOINTABLE")]
    rows = [(name, "not in the checkpoint", _near(name, unexpected)) for name in missing]
    rows += [(n, f"{t.type} here", f"{entries[n]} in the checkpoint") for n, t in other]
    hidden = len(rows) - ROWS_SHOWN
    rows = rows[:ROWS_SHOWN]
    if hidden > 0:
        rows.append((f"and {hidden} more", "", ""))
    if unexpected:
        rows.append(("only in the checkpoint", _list(unexpected), ""))
    kind: type[OpError] = NotFoundError if missing else InvalidArgumentError
    facts = [f"{len(missing)} missing"] * bool(missing)
    facts += [f"{len(other)} of another shape or dtype"] * bool(other)
    raise kind(
        f"cannot restore {len(missing) + len(other)} of {len(named)} variables "
        f"({', '.join(facts)}); nothing was changed",
        subject=f"checkpoint {checkpoint.path!r}",
        rows=rows,
        hint="to restore a part, or under other names: "
        "tf.train.Saver({'name in the checkpoint': variable})",
        site=here(),
    )


def _fits(entry: Entry, variable: Tensor, reshape: bool) -> bool:
    if entry.dtype is not variable.dtype:
        return False
    shape = TensorShape(variable.type.shape)
    if reshape and shape.is_fully_defined():
        return math.prod(entry.shape) == shape.num_elements()
    return shape.is_compatible_with(entry.shape)


def _near(name: str, others: list[str]) -> str:
    near = get_close_matches(name, others, NEAR_SHOWN)
    return f"near: {', '.join(near)}" if near else ""


def _list(names: list[str]) -> str:
    shown = ", ".join(names[:ROWS_SHOWN])
    hidden = len(names) - ROWS_SHOWN
    return f"{shown} and {hidden} more" if hidden > 0 else shown


def require_session(sess: Any, named: Named) -> None:
    """Raise unless ``sess`` is an open session of the variables' graph."""
    if not hasattr(sess, "variables") or not hasattr(sess, "graph"):
        raise TypeError(f"'sess' must be a Session; {sess}")
    sess._require_open()
    strange = next((t for t in named.values() if t.graph is not sess.graph), None)
    if strange is not None:
        raise GraphError(
            f"variable {strange.node.name!r} belongs to another graph than the session",
            subject="Saver",
            hint="make the Saver under the session's graph: with sess.graph.as_default()",
            site=here(),
        )
