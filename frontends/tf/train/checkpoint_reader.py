"""Looking into checkpoints, and starting variables from them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from frontends.tf.graph.building import group
from frontends.tf.platform import logging
from frontends.tf.train.checkpoint_state import latest_checkpoint
from frontends.tf.train.restoring import named_variables, require_fitting, variable_tensor
from frontends.tf.variables.scopes import _table
from frontends.tf.variables.variable import Variable, global_variables, trainable_variables
from graphc.errors import NotFoundError
from graphc.ir.builder import Builder
from graphc.ir.dtype import DType
from graphc.ir.graph import Node, Tensor
from graphc.ir.source import here
from runtime.checkpoint.entries import Checkpoint
from runtime.checkpoint.reading import open_checkpoint


class NewCheckpointReader:
    """A checkpoint's tensors by name.

    >>> reader = tf.train.NewCheckpointReader("runs/model.ckpt-100")
    >>> reader.get_tensor("dense/kernel")
    """

    def __init__(self, filepattern: Any) -> None:
        self._checkpoint: Checkpoint = open_checkpoint(os.fspath(filepattern))

    def get_tensor(self, tensor_str: str) -> np.ndarray:
        """The value of a tensor; NotFoundError if there is none of that name."""
        if tensor_str not in self._checkpoint.entries:
            raise not_there(self._checkpoint, tensor_str)
        array = self._checkpoint.array(tensor_str)
        return array if array.ndim else array[()]

    def has_tensor(self, tensor_str: str) -> bool:
        """Whether the checkpoint has a value of this name."""
        return tensor_str in self._checkpoint.entries

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """The shape of every value, by name."""
        return {name: list(entry.shape) for name, entry in self._checkpoint.entries.items()}

    def get_variable_to_dtype_map(self) -> dict[str, DType]:
        """The dtype of every value, by name."""
        return {name: entry.dtype for name, entry in self._checkpoint.entries.items()}

    def debug_string(self) -> bytes:
        """A line for every value: its name, dtype and shape."""
        entries = sorted(self._checkpoint.entries.items())
        return "".join(f"{name} ({e.dtype}) {list(e.shape)}\n" for name, e in entries).encode()


def not_there(checkpoint: Checkpoint, name: str) -> NotFoundError:
    from difflib import get_close_matches

    near = get_close_matches(name, list(checkpoint.entries), 3)
    return NotFoundError(
        f"Key {name} not found in checkpoint",
        subject=f"checkpoint {checkpoint.path!r}",
        hint=f"near: {', '.join(near)}" if near else None,
        site=here(),
    )


def load_checkpoint(ckpt_dir_or_file: Any) -> NewCheckpointReader:
    """A reader of a checkpoint, or of the latest one in a folder."""
    return NewCheckpointReader(_prefix(ckpt_dir_or_file))


def _prefix(ckpt_dir_or_file: Any) -> str:
    path = os.fspath(ckpt_dir_or_file)
    if not os.path.isdir(path):
        return path
    found = latest_checkpoint(path)
    if found is None:
        raise ValueError(
            f"Couldn't find 'checkpoint' file or checkpoints in given directory {path}"
        )
    return found


def load_variable(ckpt_dir_or_file: Any, name: str) -> np.ndarray:
    """The value of one variable of a checkpoint."""
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))


def list_variables(ckpt_dir_or_file: Any) -> list[tuple[str, list[int]]]:
    """(name, shape) of each variable of a checkpoint, by name."""
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


# --- starting from a checkpoint ------------------------------------------------------------------


def init_from_checkpoint(ckpt_dir_or_file: Any, assignment_map: Any) -> None:
    """Let variables start with values of a checkpoint: it changes what their initializers do.

    ``assignment_map`` has names in the checkpoint as keys: ``{"w": variable}``, ``{"w": "name of a
    get_variable variable"}``, ``{"old_scope/": "new_scope/"}``, or ``{"/": "scope/"}`` for all.
    Names, shapes and dtypes are compared now, values are read when the initializer runs.

    >>> tf.train.init_from_checkpoint("runs/model.ckpt-100", {"encoder/": "encoder/"})
    >>> sess.run(tf.global_variables_initializer())
    """
    checkpoint = open_checkpoint(_prefix(ckpt_dir_or_file))
    chosen = {
        variable: name
        for source, target in _pairs(assignment_map)
        for name, variable in _assigned(checkpoint, str(source), target)
    }
    for name in chosen.values():
        if name not in checkpoint.entries:
            raise ValueError(str(not_there(checkpoint, name)))
    for variable, name in chosen.items():
        require_fitting(checkpoint, {name: variable_tensor(variable)})
    for variable, name in chosen.items():
        _start_from(variable, checkpoint, name)


def _pairs(assignment_map: Any) -> Iterable[tuple[Any, Any]]:
    return assignment_map.items() if isinstance(assignment_map, Mapping) else assignment_map


def _assigned(checkpoint: Checkpoint, source: str, target: Any) -> Iterator[tuple[str, Variable]]:
    """(name in the checkpoint, variable) pairs of one row of the map."""
    if isinstance(target, list | tuple) and len(target) == 1:
        target = target[0]
    if isinstance(target, Variable):
        yield source, target
        return
    if not isinstance(target, str):
        raise TypeError(f"assignment_map maps to variables or their names, got {target!r}")
    made = _table().variables
    if not target.endswith("/"):
        if target not in made:
            raise ValueError(f"Tensor {target} is not found in get_variable's variables")
        yield source, made[target]
        return
    if source and not source.endswith("/"):
        raise ValueError(
            f"Assignment map should map a scope to a scope: {source!r} does not end in '/'"
        )
    old, new = source.removeprefix("/"), target.removeprefix("/")
    for full, variable in made.items():
        if not full.startswith(new):
            continue
        name = old + full.removeprefix(new)
        if name not in checkpoint.entries:
            raise ValueError(
                f"Tensor {name} ({full} in the graph) is not found in {checkpoint.path} checkpoint"
            )
        yield name, variable


def _start_from(variable: Variable, checkpoint: Checkpoint, name: str) -> None:
    from frontends.tf.functions.host import py_func

    graph = variable.graph
    read = _reading(checkpoint, name)
    with graph.as_default(), graph.control_dependencies(None), graph.name_scope(None):
        (value,) = py_func(read, [], [variable.dtype], name=f"{variable.op.name}/from_checkpoint")
        value.set_shape(variable.shape)
        made = Builder(graph).assign(
            variable.as_graph_tensor(), value, name=f"{variable.op.name}/Assign"
        )
    variable.start_from(value, made.node)


def _reading(checkpoint: Checkpoint, name: str) -> Callable[[], np.ndarray]:
    def from_checkpoint() -> np.ndarray:
        return checkpoint.array(name)

    return from_checkpoint


def warm_start(
    ckpt_to_initialize_from: Any,
    vars_to_warm_start: Any = ".*",
    var_name_to_vocab_info: Mapping[str, Any] | None = None,
    var_name_to_prev_var_name: Mapping[str, str] | None = None,
) -> None:
    """:func:`init_from_checkpoint` for the variables that a pattern (or a list of patterns, names
    or variables) chooses; a string chooses among the trainable ones, a list among all."""
    if var_name_to_vocab_info:
        raise NotImplementedError("warm_start(var_name_to_vocab_info=...) is not provided")
    former = var_name_to_prev_var_name or {}
    chosen = {former.get(v.op.name, v.op.name): v for v in _chosen(vars_to_warm_start)}
    unused = set(former) - {v.op.name for v in chosen.values()}
    if unused:
        raise ValueError(f"no variable to warm start is called {', '.join(sorted(unused))}")
    init_from_checkpoint(ckpt_to_initialize_from, chosen)


def _chosen(wanted: Any) -> list[Variable]:
    if wanted is None or isinstance(wanted, str):
        pattern = re.compile(wanted or ".*")
        return [v for v in trainable_variables() if pattern.match(v.op.name)]
    found: list[Variable] = []
    for part in wanted:
        if isinstance(part, Variable):
            found.append(part)
        else:
            found += [v for v in global_variables() if re.match(part, v.op.name)]
    return found


def assign_from_checkpoint_fn(
    model_path: Any,
    var_list: Any,
    ignore_missing_vars: bool = False,
    reshape_variables: bool = False,
) -> Callable[[Any], None] | None:
    """A function of a session that restores ``var_list`` (variables, or a dict of them by name).

    With ``ignore_missing_vars`` those that are not in the checkpoint are left out, with a warning;
    None if nothing is left.

    >>> init_fn = tf.contrib.framework.assign_from_checkpoint_fn(path, variables)
    >>> init_fn(sess)
    """
    from frontends.tf.train.saver import Saver

    if not var_list:
        raise ValueError("var_list cannot be empty")
    named: dict[str, Any] = dict(named_variables(var_list))
    if ignore_missing_vars:
        there = open_checkpoint(_prefix(model_path)).entries
        for name in [name for name in named if name not in there]:
            logging.warning("Variable %s missing in checkpoint %s", name, model_path)
            del named[name]
    if not named:
        logging.warning("No Variables to restore")
        return None
    saver = Saver(named, reshape=reshape_variables)

    def restore(session: Any) -> None:
        saver.restore(session, _prefix(model_path))

    return restore


def assign_from_checkpoint(
    model_path: Any, var_list: Any, ignore_missing_vars: bool = False
) -> tuple[Node, dict[Tensor, np.ndarray]]:
    """An operation and what to feed it, to restore ``var_list`` by ``sess.run(op, feed)``."""
    checkpoint = open_checkpoint(_prefix(model_path))
    named = named_variables(var_list)
    if ignore_missing_vars:
        named = {name: t for name, t in named.items() if name in checkpoint.entries}
    require_fitting(checkpoint, named)
    feeds: dict[Tensor, np.ndarray] = {}
    assigned = []
    for name, variable in named.items():
        b = Builder(variable.graph)
        value = b.placeholder(dtype=variable.dtype, shape=variable.type.shape, name="from_file")
        feeds[value] = checkpoint.array(name)
        assigned.append(b.assign(variable, value).node)
    return group(*assigned), feeds
