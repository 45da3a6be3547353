"""``tf.train.Checkpoint``: objects whose variables are saved by the way they are reached.

Names in the file are TensorFlow's for object-based checkpoints (``model/kernel/.ATTRIBUTES/
VARIABLE_VALUE``), so its own ones restore into objects built alike.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from frontends.tf.graph.building import group
from frontends.tf.train.checkpoint_reader import not_there
from frontends.tf.train.checkpoint_state import update_checkpoint_state
from frontends.tf.train.optimizer import Optimizer
from frontends.tf.train.restoring import contents, require_session, restore_into
from frontends.tf.variables.variable import Variable, assign_add
from graphc.errors import GraphError
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Tensor, default_graph
from graphc.ir.source import here
from runtime.checkpoint.entries import Checkpoint as File
from runtime.checkpoint.reading import SUFFIX, open_checkpoint
from runtime.checkpoint.tensor_file import write_tensors

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_SLOT = "/.OPTIMIZER_SLOT/"
_COUNTER = "save_counter"
_NUMBERED = re.compile(r"_\d+\Z")


class Checkpoint:
    """Saves and restores the variables of the objects it is given.

    An object is a variable, an optimizer (its slots), another Checkpoint, a list or dict of
    objects, or anything whose attributes are such.

    >>> checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer, step=step)
    >>> prefix = checkpoint.save("runs/ckpt", session=sess)
    >>> checkpoint.restore(prefix).run_restore_ops(sess)
    """

    def __init__(self, **kwargs: Any) -> None:
        for key, value in kwargs.items():
            setattr(self, key, value)

    def write(self, file_prefix: Any, session: Any = None, options: Any = None) -> str:
        """Write a checkpoint at ``file_prefix`` and return that."""
        prefix, chosen = os.fspath(file_prefix), _session(session)
        named = variables_by_path(self)
        require_session(chosen, named)
        write_tensors(prefix + SUFFIX, contents(chosen, named))
        return prefix

    def save(self, file_prefix: Any, session: Any = None, options: Any = None) -> str:
        """Write a checkpoint at ``file_prefix-1``, ``-2``, ... and call it the latest."""
        chosen = _session(session)
        counter = self._counter()
        if not chosen.variables.is_initialized(counter.op.get_attr("key")):
            chosen.run(counter.initializer)
        number = int(chosen.run(self._counted))
        prefix = self.write(f"{os.fspath(file_prefix)}-{number}", chosen)
        update_checkpoint_state(os.path.dirname(prefix), prefix)
        return prefix

    def restore(self, save_path: Any) -> Restored:
        """What a checkpoint has for these objects; see :class:`Restored` for how it is put to use.

        ``save_path`` None gives every variable its initial value instead.
        """
        file = None if save_path is None else open_checkpoint(os.fspath(save_path))
        if file is not None and _COUNTER + _VALUE in file.entries:
            self._counter()
        return Restored(file, variables_by_path(self))

    read = restore

    def _counter(self) -> Variable:
        """The variable that numbers the saves, made at the first."""
        if _COUNTER not in self.__dict__:
            with default_graph().name_scope(None):
                self.save_counter = Variable(0, trainable=False, name=_COUNTER, dtype="int64")
            self._counted = assign_add(self.save_counter, 1)
        return self.save_counter


class Restored:
    """A checkpoint and the variables it is for; nothing is restored until a session is given."""

    def __init__(self, file: File | None, named: Mapping[str, Tensor]) -> None:
        self._file, self._named = file, named
        entries = {} if file is None else file.entries
        self._found = {name: t for name, t in named.items() if name in entries}

    def assert_consumed(self) -> Restored:
        """Raise AssertionError unless everything in the checkpoint has its variable."""
        self.assert_existing_objects_matched()
        entries = [] if self._file is None else list(self._file.entries)
        left = [n for n in entries if n.endswith(_VALUE) and n not in self._named]
        if left:
            raise AssertionError(f"no variable for {', '.join(left)} of the checkpoint")
        return self

    def assert_existing_objects_matched(self) -> Restored:
        """Raise AssertionError unless every variable is in the checkpoint."""
        left = [name for name in self._named if name not in self._found]
        if left and self._file is not None:
            raise AssertionError(str(not_there(self._file, left[0])))
        return self

    def assert_nontrivial_match(self) -> Restored:
        """Raise AssertionError unless some variable is in the checkpoint."""
        if not self._found:
            raise AssertionError("nothing in the checkpoint is a value for any of the variables")
        return self

    def expect_partial(self) -> Restored:
        """Nothing to do: what does not match is not warned of."""
        return self

    def run_restore_ops(self, session: Any = None) -> None:
        """Give the variables that are in the checkpoint its values."""
        if self._file is None:
            raise AssertionError("there is no checkpoint to restore from")
        chosen = _session(session)
        require_session(chosen, self._found)
        restore_into(chosen, self._file, self._found)

    def initialize_or_restore(self, session: Any = None) -> None:
        """As :meth:`run_restore_ops`; the other variables get their initial values."""
        chosen = _session(session)
        if self._found:
            self.run_restore_ops(chosen)
        rest = [as_variable(t) for name, t in self._named.items() if name not in self._found]
        if rest:
            chosen.run(group(*[variable.initializer for variable in rest]))


def _session(session: Any) -> Any:
    from runtime.session import get_default_session

    chosen = session if session is not None else get_default_session()
    if chosen is None:
        raise GraphError(
            "there is no default session",
            subject="Checkpoint",
            hint="pass session=..., or use `with tf.Session():`",
            site=here(),
        )
    return chosen


def as_variable(tensor: Tensor) -> Variable:
    """The variable object of a variable's tensor."""
    held = tensor.graph.collections.values()
    return next(
        v for items in held for v in items if isinstance(v, Variable) and as_tensor(v) is tensor
    )


# --- names ---------------------------------------------------------------------------------------


def variables_by_path(root: Any) -> dict[str, Tensor]:
    """The variables under an object by their names in a checkpoint: the shortest way to each."""
    found: dict[Tensor, str] = {}
    optimizers: list[tuple[str, Optimizer]] = []
    seen = {id(root)}
    waiting = deque([("", root)])
    while waiting:
        path, owner = waiting.popleft()
        for edge, child in _children(owner):
            if isinstance(child, Variable):
                found.setdefault(child.as_graph_tensor(), f"{path}{edge}")
            elif id(child) not in seen:
                seen.add(id(child))
                waiting.append((f"{path}{edge}/", child))
                if isinstance(child, Optimizer):
                    optimizers.append((f"{path}{edge}", child))
    slots = {
        f"{found[variable]}{_SLOT}{path}/{slot}{_VALUE}": kept.as_graph_tensor()
        for path, optimizer in optimizers
        for slot in optimizer.get_slot_names()
        for variable, kept in optimizer._slots[slot].items()
        if variable in found
    }
    return {f"{path}{_VALUE}": tensor for tensor, path in found.items()} | slots


def _children(owner: Any) -> Iterator[tuple[str, Any]]:
    """The objects that an object holds, by the name it holds them under."""
    if isinstance(owner, Optimizer):
        # The name it was asked for by; the graph may have numbered it.
        pairs: Any = ((_NUMBERED.sub("", v.op.name.rpartition("/")[2]), v) for v in owner._own)
    elif isinstance(owner, Mapping):
        pairs = owner.items()
    elif isinstance(owner, list | tuple):
        pairs = enumerate(owner)
    else:
        held = getattr(owner, "__dict__", {})
        pairs = ((name, value) for name, value in held.items() if not name.startswith("_"))
    for edge, child in sorted(pairs, key=lambda pair: str(pair[0])):
        if _may_hold_variables(child):
            yield str(edge).replace(".", "..").replace("/", ".S"), child


def _may_hold_variables(child: Any) -> bool:
    if isinstance(child, Variable | Optimizer | Checkpoint | Mapping | list | tuple):
        return True
    return hasattr(child, "variables") or any(
        isinstance(value, Variable) for value in getattr(child, "__dict__", {}).values()
    )
