"""The variables of ``tf.contrib.framework`` and how they are found again."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from frontends.tf.contrib.arg_scope import add_arg_scope
from frontends.tf.graph.building import GraphKeys, add_to_collection, get_collection
from frontends.tf.variables.scopes import VariableScope
from frontends.tf.variables.variable import Variable
from frontends.tf.variables.variable_getting import get_variable


@add_arg_scope
def variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Callable | None = None,
    trainable: bool = True,
    collections: Any = None,
    caching_device: Any = None,
    device: Any = None,
    partitioner: Callable | None = None,
    custom_getter: Callable | None = None,
    use_resource: bool | None = None,
    synchronization: Any = None,
    aggregation: Any = None,
) -> Any:
    """``tf.get_variable``; ``collections`` may be one key."""
    keys = list(collections) if isinstance(collections, list | tuple | set) else (
        [GraphKeys.GLOBAL_VARIABLES] if collections is None else [collections]
    )  # fmt: skip
    return get_variable(
        name, shape, dtype, initializer, regularizer, trainable, list(dict.fromkeys(keys)),
        caching_device, partitioner, custom_getter=custom_getter,
    )  # fmt: skip


@add_arg_scope
def model_variable(
    name: str,
    shape: Any = None,
    dtype: Any = "float32",
    initializer: Any = None,
    regularizer: Callable | None = None,
    trainable: bool = True,
    collections: Any = None,
    caching_device: Any = None,
    device: Any = None,
    partitioner: Callable | None = None,
    custom_getter: Callable | None = None,
    use_resource: bool | None = None,
    synchronization: Any = None,
    aggregation: Any = None,
) -> Any:
    """A variable that also joins the collection MODEL_VARIABLES."""
    keys = [*(collections or ()), GraphKeys.GLOBAL_VARIABLES, GraphKeys.MODEL_VARIABLES]
    return variable(
        name, shape, dtype, initializer, regularizer, trainable, keys, caching_device, device,
        partitioner, custom_getter,
    )  # fmt: skip


def local_variable(
    initial_value: Any, validate_shape: bool = True, name: str | None = None,
    use_resource: bool | None = None,
) -> Variable:  # fmt: skip
    """A variable that is not saved and not trained."""
    return Variable(initial_value, False, [GraphKeys.LOCAL_VARIABLES], validate_shape, name=name)


def zero_initializer(ref: Any, use_locking: bool = True, name: str = "zero_initializer") -> Any:
    """An operation that sets a variable to zeros."""
    from frontends.tf.functions.arrays import zeros
    from frontends.tf.variables.variable import assign

    return assign(ref, zeros(ref.shape, ref.dtype), name=name)


# --- finding -------------------------------------------------------------------------------------


def get_variables(
    scope: Any = None, suffix: str | None = None, collection: str = GraphKeys.GLOBAL_VARIABLES
) -> list[Any]:
    """The variables of a collection in a scope (a name or a VariableScope) with a last name."""
    if isinstance(scope, VariableScope):
        scope = scope.name
    if suffix is not None:
        scope = (scope or "") + ".*" + (suffix if ":" in suffix else f"{suffix}:")
    return get_collection(collection, scope)


def get_model_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    return get_variables(scope, suffix, GraphKeys.MODEL_VARIABLES)


def get_local_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    return get_variables(scope, suffix, GraphKeys.LOCAL_VARIABLES)


def get_trainable_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    return get_variables(scope, suffix, GraphKeys.TRAINABLE_VARIABLES)


def get_variables_by_name(given_name: str, scope: Any = None) -> list[Any]:
    """The variables whose last name is this."""
    return [v for v in get_variables(scope) if v.op.name.split("/")[-1] == given_name]


def get_variables_by_suffix(suffix: str, scope: Any = None) -> list[Any]:
    """The variables whose name ends so."""
    return [v for v in get_variables(scope) if v.op.name.endswith(suffix)]


def get_unique_variable(var_op_name: str) -> Any:
    """The variable of a name, which must be one."""
    found = [v for v in get_variables() if v.op.name == var_op_name]
    found = found or get_variables(f"{var_op_name}(:|/)")
    if len(found) != 1:
        raise ValueError(f"{len(found)} variables are called {var_op_name!r}, one is needed")
    return found[0]


def get_variable_full_name(var: Any) -> str:
    """The name under which a variable is saved."""
    return var.op.name if isinstance(var, Variable) else var.name


def get_variables_to_restore(
    include: Sequence[Any] | None = None, exclude: Sequence[Any] | None = None
) -> list[Any]:
    """The variables in the scopes ``include`` (default: all), less those in ``exclude``."""
    if include is None:
        kept = get_variables()
    else:
        _listed(include, "include")
        kept = list(dict.fromkeys(v for scope in include for v in get_variables(scope)))
    if exclude is not None:
        _listed(exclude, "exclude")
        dropped = {id(v) for scope in exclude for v in get_variables(scope)}
        kept = [v for v in kept if id(v) not in dropped]
    return kept


def _listed(value: Any, what: str) -> None:
    if not isinstance(value, list | tuple):
        raise TypeError(f"{what} is a list of scopes, got {value!r}")


def filter_variables(
    var_list: Sequence[Any],
    include_patterns: Sequence[str] | None = None,
    exclude_patterns: Sequence[str] | None = None,
    reg_search: bool = True,
) -> list[Any]:
    """The variables whose name a pattern of ``include_patterns`` is found in, and none of
    ``exclude_patterns``; ``reg_search=False`` asks for matches from the start."""
    found = re.search if reg_search else re.match
    kept = list(var_list)
    if include_patterns:
        kept = [v for v in kept if any(found(p, v.op.name) for p in include_patterns)]
    if exclude_patterns:
        kept = [v for v in kept if not any(found(p, v.op.name) for p in exclude_patterns)]
    return kept


def add_model_variable(var: Any) -> None:
    """Count a variable among the MODEL_VARIABLES."""
    if not any(v is var for v in get_collection(GraphKeys.MODEL_VARIABLES)):
        add_to_collection(GraphKeys.MODEL_VARIABLES, var)


def assign_from_values(var_names_to_values: dict[str, Any]) -> tuple[Any, dict[Any, Any]]:
    """(an operation, its feeds) that sets variables, by name, to arrays."""
    import numpy as np

    from frontends.tf.graph.building import group, placeholder
    from frontends.tf.variables.variable import assign

    steps, feeds = [], {}
    for name, value in var_names_to_values.items():
        var, array = get_unique_variable(name), np.asarray(value)
        place = placeholder(var.dtype, array.shape, name=f"placeholder/{name}")
        steps.append(assign(var, place))
        feeds[place] = array
    return group(*steps), feeds


def assign_from_values_fn(var_names_to_values: dict[str, Any]) -> Callable[[Any], Any]:
    """As :func:`assign_from_values`: a function of the session."""
    step, feeds = assign_from_values(var_names_to_values)
    return lambda session: session.run(step, feeds)


def get_name_scope() -> str:
    """The current name scope, without the ``/`` at its end."""
    from graphc.ir.graph import default_graph

    return default_graph().scope.rstrip("/")
