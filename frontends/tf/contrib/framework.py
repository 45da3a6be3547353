"""``tf.contrib.framework``: argument scopes, variables by name, small checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontends.tf.contrib.arg_scope import (
    add_arg_scope,
    arg_scope,
    arg_scope_func_key,
    arg_scoped_arguments,
    current_arg_scope,
    has_arg_scope,
)
from frontends.tf.contrib.model_variables import (
    add_model_variable,
    assign_from_values,
    assign_from_values_fn,
    filter_variables,
    get_local_variables,
    get_model_variables,
    get_name_scope,
    get_trainable_variables,
    get_unique_variable,
    get_variable_full_name,
    get_variables,
    get_variables_by_name,
    get_variables_by_suffix,
    get_variables_to_restore,
    local_variable,
    model_variable,
    variable,
    zero_initializer,
)
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder, convert
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Graph, Tensor, default_graph

__all__ = [
    "add_arg_scope", "add_model_variable", "arg_scope", "arg_scope_func_key",
    "arg_scoped_arguments", "assert_or_get_global_step", "assert_scalar", "assert_scalar_int",
    "assign_from_values", "assign_from_values_fn", "current_arg_scope", "filter_variables",
    "get_graph_from_inputs", "get_local_variables", "get_model_variables", "get_name_scope",
    "get_placeholders", "get_trainable_variables", "get_unique_variable",
    "get_variable_full_name", "get_variables", "get_variables_by_name",
    "get_variables_by_suffix", "get_variables_to_restore", "has_arg_scope", "local_variable",
    "model_variable", "reduce_sum_n", "remove_squeezable_dimensions", "smart_cond",
    "smart_constant_value", "variable", "with_same_shape", "with_shape", "zero_initializer",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    from frontends.tf.names.missing import elsewhere

    return elsewhere("contrib.framework", name, lambda: __all__)


def assert_or_get_global_step(graph: Graph | None = None, global_step_tensor: Any = None) -> Any:
    """The global step given, checked; else the graph's."""
    from frontends.tf.train.steps import assert_global_step, get_global_step

    if global_step_tensor is None:
        return get_global_step(graph)
    assert_global_step(global_step_tensor)
    return global_step_tensor


def assert_scalar(tensor: Any, name: str | None = None) -> Tensor:
    """``tensor``, which must have no axes."""
    x = convert(tensor)
    if x.type.shape not in (None, ()):
        raise ValueError(f"a scalar is needed, {x.name} is {x.type}")
    return x


def assert_scalar_int(tensor: Any, name: str | None = None) -> Tensor:
    """``tensor``, which must be an integer without axes."""
    x = convert(tensor)
    if not x.dtype.is_integer:
        raise ValueError(f"an integer is needed, {x.name} is {x.type}")
    return assert_scalar(x)


def with_shape(expected_shape: Any, tensor: Any) -> Tensor:
    """``tensor`` with a shape: checked now where it is known, else when the graph runs."""
    from frontends.tf.functions.arrays import ensure_shape

    x = convert(tensor)
    known = [int(n) if not hasattr(n, "value") else n for n in expected_shape]
    TensorShape(x.type.shape).assert_is_compatible_with(known)
    return ensure_shape(x, known)


def with_same_shape(expected_tensor: Any, tensor: Any) -> Tensor:
    """``tensor``, which must have the shape of another."""
    from frontends.tf.functions.arrays import ensure_shape

    return ensure_shape(tensor, TensorShape(convert(expected_tensor).type.shape))


def remove_squeezable_dimensions(
    predictions: Any, labels: Any, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """(predictions, labels) of one rank: a last axis of size 1 goes from the one that has more."""
    x, y = convert(predictions), convert(labels)
    ranks = x.type.rank, y.type.rank
    if ranks[0] is not None and ranks[1] is not None:
        if ranks[0] - ranks[1] == 1 and TensorShape(x.type.shape).as_list()[-1] in (1, None):
            x = builder(x).squeeze(x, axis=(-1,))
        elif ranks[1] - ranks[0] == 1 and TensorShape(y.type.shape).as_list()[-1] in (1, None):
            y = builder(y).squeeze(y, axis=(-1,))
    return x, y


def reduce_sum_n(tensors: Any, name: str | None = None) -> Tensor:
    """The sum of all elements of all tensors."""
    if not tensors:
        raise ValueError("there are no tensors to sum")
    given = [convert(t) for t in tensors]
    b = builder(*given)
    with b.home.name_scope(name or "reduce_sum_n") as title:
        sums = [b.reduce_sum(t, axis=None) for t in given]
        return sums[0] if len(sums) == 1 else b.add_n(*sums, name=title)


def smart_constant_value(pred: Any) -> bool | None:
    """What a switch is now: a bool for a bool, 0, 1, or a constant tensor; None for others."""
    if isinstance(pred, bool):
        return pred
    if pred in (0, 1) and as_tensor(pred) is None:
        return bool(pred)
    if as_tensor(pred) is None:
        raise TypeError(f"a switch is a bool, 0, 1 or a bool tensor, got {pred!r}")
    from frontends.tf.graph.static_values import get_static_value

    found = get_static_value(as_tensor(pred))
    return None if found is None else bool(found)


def smart_cond(
    pred: Any, true_fn: Callable | None = None, false_fn: Callable | None = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """``true_fn()`` or ``false_fn()``, chosen now where ``pred`` is known, else by ``tf.cond``."""
    if not callable(true_fn) or not callable(false_fn):
        raise TypeError("true_fn and false_fn are functions of no arguments")
    known = smart_constant_value(pred)
    if known is not None:
        return true_fn() if known else false_fn()
    from frontends.tf.names.missing import resolve

    return resolve("cond")(pred, true_fn, false_fn, name=name)


def get_graph_from_inputs(op_input_list: Any, graph: Graph | None = None) -> Graph:
    """The graph of the first tensor among the inputs, else the default one."""
    found = next((t for t in map(as_tensor, op_input_list) if t is not None), None)
    return graph or (found.graph if found is not None else default_graph())


def get_placeholders(graph: Graph) -> list[Tensor]:
    """The placeholders of a graph."""
    return [node.outputs[0] for node in graph.nodes if node.op.name == "placeholder"]
