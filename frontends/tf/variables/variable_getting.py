"""``get_variable``: the variable of a name in the current scope, made once and shared after."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from frontends.tf.graph.building import GraphKeys
from frontends.tf.graph.shapes import TensorShape, static_shape
from frontends.tf.graph.tensor import convert
from frontends.tf.variables.initializers import (
    as_initializer,
    glorot_uniform_initializer,
    zeros_initializer,
)
from frontends.tf.variables.partitioned import PartitionedVariable, PartitionInfo, cut_sizes
from frontends.tf.variables.scopes import _Table, _table, get_variable_scope
from frontends.tf.variables.synchronization import VariableAggregation, VariableSynchronization
from frontends.tf.variables.variable import Variable
from graphc.errors import GraphError
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import DType, as_dtype, float32
from graphc.ir.graph import default_graph
from graphc.ir.source import Site, here


def get_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Callable | None = None,
    trainable: bool | None = None,
    collections: Sequence[Any] | None = None,
    caching_device: Any = None,
    partitioner: Callable | None = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Callable | None = None,
    constraint: Callable | None = None,
    synchronization: Any = VariableSynchronization.AUTO,
    aggregation: Any = VariableAggregation.NONE,
) -> Any:
    """The variable called ``name`` in the current scope, made now unless the scope shares it.

    ``initializer`` is an initializer (default: Glorot uniform for floats, zeros for others), a
    function of no arguments, a value, or a tensor; the last three give the shape themselves.  With
    a ``partitioner`` the variable is several, one after the other along an axis.

    >>> w = tf.get_variable("w", [784, 10], initializer=tf.zeros_initializer())
    """
    scope = get_variable_scope()
    full = f"{scope.name}/{name}" if scope.name else name
    wanted = as_dtype(dtype) if dtype is not None else None
    if wanted is not None and initializer is not None and not callable(initializer):
        found = convert(initializer).dtype
        if found is not wanted:
            raise ValueError(f"variable {full!r}: the initializer is {found}, dtype is {wanted}")
    chosen = {
        "shape": shape,
        "dtype": wanted or scope.dtype,
        "initializer": _or(initializer, scope.initializer),
        "regularizer": _or(regularizer, scope.regularizer),
        "reuse": scope.reuse,
        "trainable": trainable,
        "collections": collections,
        "caching_device": _or(caching_device, scope.caching_device),
        "partitioner": _or(partitioner, scope.partitioner),
        "validate_shape": validate_shape,
        "use_resource": _or(use_resource, scope.use_resource),
        "synchronization": synchronization,
        "aggregation": aggregation,
        "constraint": _or(constraint, scope.constraint),
    }
    getter = _or(custom_getter, scope.custom_getter)
    if getter is None:
        return _found_or_made(full, **chosen)
    if not callable(getter):
        raise ValueError(f"a custom getter is a function, got {getter!r}")
    if not _takes(getter, "constraint"):
        chosen.pop("constraint")
    with default_graph().name_scope(None):
        return getter(_found_or_made, full, **chosen)


def get_local_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Callable | None = None,
    trainable: bool = False,
    collections: Sequence[Any] | None = None,
    caching_device: Any = None,
    partitioner: Callable | None = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Callable | None = None,
    constraint: Callable | None = None,
    synchronization: Any = VariableSynchronization.AUTO,
    aggregation: Any = VariableAggregation.NONE,
) -> Any:
    """As :func:`get_variable`, for a variable that is not saved and not trained."""
    where = [*(collections or ()), GraphKeys.LOCAL_VARIABLES]
    return get_variable(
        name, shape, dtype, initializer, regularizer, False, where, caching_device, partitioner,
        validate_shape, use_resource, custom_getter, constraint, synchronization, aggregation,
    )  # fmt: skip


def no_regularizer(_: Any) -> None:
    """A regularizer that adds no loss: it keeps a scope's from a variable."""
    return


def _or(mine: Any, inherited: Any) -> Any:
    return mine if mine is not None else inherited


def _takes(function: Callable, name: str) -> bool:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return True
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _found_or_made(
    name: str,
    shape: Any = None,
    dtype: Any = float32,
    initializer: Any = None,
    regularizer: Callable | None = None,
    reuse: Any = None,
    trainable: bool | None = None,
    collections: Sequence[Any] | None = None,
    caching_device: Any = None,
    partitioner: Callable | None = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    constraint: Callable | None = None,
    synchronization: Any = VariableSynchronization.AUTO,
    aggregation: Any = VariableAggregation.NONE,
) -> Any:
    """What a custom getter is given to ask in its turn."""
    table, wanted = _table(), as_dtype(dtype)
    how = {
        "regularizer": regularizer, "trainable": trainable, "collections": collections,
        "validate_shape": validate_shape, "constraint": constraint,
        "synchronization": synchronization,
    }  # fmt: skip
    is_scalar = shape is not None and TensorShape(shape).ndims == 0
    if partitioner is not None and not is_scalar:
        if not callable(partitioner):
            raise ValueError(f"a partitioner is a function, got {partitioner!r}")
        return _in_parts(table, name, shape, wanted, initializer, reuse, partitioner, how)
    if reuse is True and name in table.partitioned:
        return table.partitioned[name]
    if f"{name}/part_0" in table.variables:
        raise ValueError(
            f"variable {name!r} was made in parts; share it with reuse=True, or give a partitioner"
        )
    return _single(table, name, shape, wanted, initializer, reuse, how)


def _single(
    table: _Table, full: str, shape: Any, dtype: DType, initializer: Any, reuse: Any,
    how: dict[str, Any], part: PartitionInfo | None = None,
) -> Any:  # fmt: skip
    given = initializer is not None and (
        not callable(initializer) or as_tensor(initializer) is not None
    )
    if given and shape is not None:
        raise ValueError(
            f"variable {full!r}: the initializer is a value and has a shape; leave out shape"
        )
    existing = table.variables.get(full)
    if existing is not None:
        if not reuse:
            raise _already_exists(full, table.made[full])
        _check_shared(existing, full, shape, dtype)
        return existing
    if reuse is True:
        raise _does_not_exist(full, table)
    initial, chosen = _initial(full, shape, dtype, initializer, given, part)
    variable = _new_variable(full, initial, chosen, how)
    table.variables[full] = variable
    table.made[full] = here()
    return variable


def _initial(
    full: str, shape: Any, dtype: DType, initializer: Any, given: bool, part: PartitionInfo | None
) -> tuple[Any, DType | None]:
    """What a new variable starts as, and its dtype where that does not say it."""
    if given:
        return initializer, None
    if isinstance(initializer, type):
        initializer = initializer()
    if initializer is not None and shape is None and _needs_nothing(initializer):
        return initializer, None
    if shape is None:
        raise GraphError(
            "a new variable needs a shape",
            subject=f"variable {full!r}",
            hint=f"tf.get_variable({full!r}, [rows, columns])",
            site=here(),
        )
    sizes = static_shape(shape, f"variable {full!r}")
    chosen = as_initializer(initializer) if initializer is not None else _default_of(full, dtype)
    return lambda: chosen(list(sizes), dtype=dtype, partition_info=part), dtype


def _needs_nothing(function: Callable) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    given = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(p.default is not p.empty or p.kind in given for p in parameters)


def _default_of(full: str, dtype: DType) -> Callable:
    if dtype.is_floating:
        return as_initializer(glorot_uniform_initializer())
    if dtype.is_integer or dtype.is_bool or dtype.is_string:
        return as_initializer(zeros_initializer())
    raise ValueError(f"variable {full!r} of {dtype} needs an initializer")


def _new_variable(full: str, initial: Any, dtype: DType | None, how: dict[str, Any]) -> Any:
    graph = default_graph().root
    with graph.as_default(), graph.name_scope(None):
        variable = Variable(
            initial, trainable=how["trainable"], collections=how["collections"],
            validate_shape=how["validate_shape"], name=full, dtype=dtype,
            constraint=how["constraint"], synchronization=how["synchronization"],
        )  # fmt: skip
        regularizer = how["regularizer"]
        if regularizer is not None:
            with graph.name_scope(f"{full}/Regularizer/"):
                loss = regularizer(variable)
            if loss is not None:
                graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)
    return variable


def _in_parts(
    table: _Table, full: str, shape: Any, dtype: DType, initializer: Any, reuse: Any,
    partitioner: Callable, how: dict[str, Any],
) -> PartitionedVariable:  # fmt: skip
    given = initializer is not None and not callable(initializer)
    if given:
        if shape is not None:
            raise ValueError(
                f"variable {full!r}: the initializer is a value and has a shape; leave out shape"
            )
        initializer = convert(initializer)
        shape, dtype = TensorShape(initializer.type.shape), initializer.dtype
    existing = table.partitioned.get(full)
    if existing is not None:
        if not reuse:
            raise _already_exists(full, table.made.get(f"{full}/part_0"))
        if not TensorShape(shape).is_compatible_with(existing.get_shape()):
            raise _of_another(full, "shape", existing.get_shape(), TensorShape(shape))
        return existing
    if reuse is True:
        raise _does_not_exist(full, table)
    sizes = static_shape(shape, f"variable {full!r}")
    cut = list(partitioner(shape=TensorShape(sizes), dtype=dtype))
    axis, lengths = cut_sizes(full, sizes, cut)
    parts, start = [], 0
    for k, size in enumerate(lengths):
        offset = [start if a == axis else 0 for a in range(len(sizes))]
        inner = [size if a == axis else n for a, n in enumerate(sizes)]
        info = PartitionInfo(list(sizes), offset)
        first: Any = initializer
        if given:
            keep = tuple(slice(o, o + n) for o, n in zip(offset, inner, strict=True))
            first = initializer[keep]
        of_part = None if given else inner
        parts.append(_single(table, f"{full}/part_{k}", of_part, dtype, first, reuse, how, info))
        start += size
    made = PartitionedVariable(full, sizes, dtype, parts, cut)
    table.partitioned[full] = made
    return made


# --- refusals ------------------------------------------------------------------------------------


def _check_shared(variable: Any, full: str, shape: Any, dtype: DType) -> None:
    if shape is not None and not TensorShape(shape).is_compatible_with(variable.shape):
        raise _of_another(full, "shape", variable.shape, TensorShape(shape))
    if dtype is not variable.dtype:
        raise _of_another(full, "dtype", variable.dtype, dtype)


def _of_another(full: str, what: str, made: Any, wanted: Any) -> GraphError:
    return GraphError(
        f"shared with another {what}",
        subject=f"variable {full!r}",
        rows=[("made", str(made), _made_at(_table().made.get(full))),
              ("asked for", str(wanted), "")],
        site=here(),
    )  # fmt: skip


def _made_at(site: Site | None) -> str:
    return site.short if site else ""


def _already_exists(full: str, made: Site | None) -> GraphError:
    rows = [("made", f"at {made.describe()}", "")] if made else []
    return GraphError(
        "exists already, and this scope does not share variables",
        subject=f"variable {full!r}",
        rows=rows,
        hint="to share it: tf.variable_scope(..., reuse=True), or reuse=tf.AUTO_REUSE; "
        "to start over: tf.reset_default_graph(); else give it another name",
        site=here(),
    )


def _does_not_exist(full: str, table: _Table) -> GraphError:
    from difflib import get_close_matches

    near = get_close_matches(full, table.variables, 3)
    rows = [("near", f"'{n}'", f"made at {_made_at(table.made[n])}") for n in near]
    return GraphError(
        "does not exist, and this scope only shares (reuse=True)",
        subject=f"variable {full!r}",
        rows=rows,
        hint="make it first without reuse, or use reuse=tf.AUTO_REUSE; "
        "tf.Variable(...) is not shared",
        site=here(),
    )
