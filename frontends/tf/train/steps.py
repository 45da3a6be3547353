"""The global step: one int64 variable per graph that counts training steps."""

from __future__ import annotations

from typing import Any

from frontends.tf.graph.building import GraphKeys
from frontends.tf.variables.scopes import VariableScope, variable_scope
from frontends.tf.variables.variable import Variable
from frontends.tf.variables.variable_getting import get_variable
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import int64
from graphc.ir.graph import Graph, default_graph


def get_global_step(graph: Graph | None = None) -> Any:
    """The graph's global step: the one of its collection, else the variable ``global_step``; None
    where there is neither."""
    target = graph or default_graph()
    found = target.collections.get(GraphKeys.GLOBAL_STEP, [])
    if len(found) > 1:
        raise ValueError(f"the graph has {len(found)} global steps")
    if found:
        return found[0]
    node = target.by_name.get(GraphKeys.GLOBAL_STEP)
    if node is None or node.op.name != "variable":
        return None
    assert_global_step(node.outputs[0])
    known = target.collections.get(GraphKeys.GLOBAL_VARIABLES, [])
    return next((v for v in known if as_tensor(v) is node.outputs[0]), node.outputs[0])


def create_global_step(graph: Graph | None = None) -> Variable:
    """Make the graph's global step; it must not have one."""
    target = graph or default_graph()
    if get_global_step(target) is not None:
        raise ValueError("the graph has a global step already")
    from frontends.tf.variables.initializers import zeros_initializer

    with target.as_default(), target.name_scope(None), variable_scope(VariableScope(False)):
        return get_variable(
            GraphKeys.GLOBAL_STEP, [], int64, zeros_initializer(int64), trainable=False,
            collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
        )  # fmt: skip


def get_or_create_global_step(graph: Graph | None = None) -> Any:
    """The graph's global step, made now if it has none.

    >>> train_op = optimizer.minimize(loss, global_step=tf.train.get_or_create_global_step())
    """
    found = get_global_step(graph)
    return create_global_step(graph) if found is None else found


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """The value of a global step in a session."""
    return int(sess.run(global_step_tensor))


def assert_global_step(global_step_tensor: Any) -> None:
    """Refuse what cannot be a global step: it must be an integer scalar."""
    tensor = as_tensor(global_step_tensor)
    if tensor is None or not tensor.dtype.is_integer or tensor.type.shape != ():
        raise TypeError(f"a global step is an integer scalar variable, got {global_step_tensor!r}")
