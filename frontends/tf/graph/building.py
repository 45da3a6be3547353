"""Where a graph starts and how its parts are named, ordered, placed and collected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from frontends.tf.graph.shapes import TensorShape, declared_shape, static_shape
from frontends.tf.graph.tensor import as_node, builder, convert, listed
from graphc.errors import GraphError, ShapeError
from graphc.ir.builder import Builder, as_tensor
from graphc.ir.dtype import as_dtype
from graphc.ir.graph import Graph, Node, Tensor, default_graph
from graphc.ir.source import here


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Tensor:
    """A value to be fed.  ``shape`` may hold None (any size) and strings (a size by that name, the
    same wherever it is named); a shape of None means any rank.

    >>> x = tf.placeholder(tf.float32, ["batch", 784], name="x")
    """
    graph = default_graph()
    wanted = as_dtype(dtype)
    sizes = declared_shape(graph, shape, name or "Placeholder")
    return Builder(graph).placeholder(dtype=wanted, shape=sizes, name=name or "Placeholder")


def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """A value that may be fed and is ``input`` when it is not.  What is fed has ``shape``, which
    may leave sizes open (None) that the default has fixed.

    >>> keep = tf.placeholder_with_default(1.0, [])
    """
    value = convert(input)
    b = builder(value)
    sizes, default = TensorShape(shape).symbolic(), value.type.shape
    if sizes is not None:
        own = default if default is not None and len(default) == len(sizes) else (0,) * len(sizes)
        sizes = tuple(
            size if size is not None else b.home.new_dim("size") if isinstance(d, int) else d
            for size, d in zip(sizes, own, strict=True)
        )
    return b.placeholder_with_default(value, shape=sizes, name=name)


def constant(
    value: Any,
    dtype: Any = None,
    shape: Any = None,
    name: str = "Const",
    verify_shape: bool = False,
) -> Tensor:
    """A tensor with a value fixed now.  Python floats are float32, Python ints int32, arrays keep
    their dtype; one value is repeated to fill ``shape``.

    >>> tf.constant([[1.0, 2.0]])            # float32[1, 2]
    >>> tf.constant(0.5, shape=[3])          # float32[3]
    """
    b = Builder(default_graph())
    from graphc.ir.builder import constant_array
    from graphc.ir.op import Literal

    array = constant_array(value, as_dtype(dtype) if dtype is not None else None)
    if shape is not None:
        sizes = static_shape(shape, "a constant")
        if verify_shape and array.shape != sizes:
            raise TypeError(f"the value has shape {array.shape}, {sizes} was asked for")
        array = _filled(array, sizes)
    return b.const(value=Literal(array), name=name)


def _filled(array: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """``array`` in the shape ``sizes``; TF1 repeats the last element where there are too few."""
    wanted = int(np.prod(sizes, dtype=np.int64))
    flat = array.ravel()
    if flat.size > wanted or (flat.size == 0 and wanted):
        raise ShapeError(
            f"{flat.size} values do not fill the shape {list(sizes)}",
            subject="constant",
            site=here(),
        )
    if flat.size < wanted:
        flat = np.concatenate([flat, np.full(wanted - flat.size, flat[-1], flat.dtype)])
    return flat.reshape(sizes)


def convert_to_tensor(
    value: Any, dtype: Any = None, name: str | None = None, preferred_dtype: Any = None,
    dtype_hint: Any = None,
) -> Tensor:  # fmt: skip
    """``value`` as a tensor: tensors and variables as they are, numbers, lists and arrays as
    constants."""
    preferred = dtype_hint if preferred_dtype is None else preferred_dtype
    if dtype is None and preferred is not None and as_tensor(value) is None:
        try:
            return convert(value, preferred, name=name)
        except (TypeError, ValueError):
            return convert(value, name=name)
    return convert(value, dtype, name=name)


# --- scopes --------------------------------------------------------------------------------------


@contextmanager
def name_scope(
    name: str | None, default_name: str | None = None, values: Any = None
) -> Iterator[str]:
    """Prefix the names of operations made inside; numbered when the scope is reused.

    >>> with tf.name_scope("loss"):
    ...     tf.identity(x, name="total")     # loss/total
    """
    chosen = name if name is not None else default_name
    if chosen is None and values is not None:
        raise ValueError("name_scope needs a name or a default_name")
    with default_graph().name_scope(chosen) as scope:
        yield scope


@contextmanager
def control_dependencies(control_inputs: Iterable[Any] | None) -> Iterator[None]:
    """Operations made inside run after ``control_inputs`` (operations, tensors, variables).

    >>> with tf.control_dependencies([step.assign_add(1)]):
    ...     after = tf.identity(step)
    """
    nodes = None if control_inputs is None else [as_node(c) for c in control_inputs]
    with default_graph().control_dependencies(nodes):
        yield


@contextmanager
def device(device_name_or_function: Any) -> Iterator[None]:
    """Ask for a device for the operations made inside (``"/cpu:0"``); None asks for none.

    A function is given each operation when all are made, and returns the device of those that have
    asked for none.
    """
    graph = default_graph()
    if not callable(device_name_or_function):
        with graph.device_scope(device_name_or_function):
            yield
        return
    before = len(graph.nodes)
    with graph.device_scope(None):
        yield
    for node in graph.nodes[before:]:
        node.device = node.device or device_name_or_function(node) or ""


@contextmanager
def colocate_with(op: Any, ignore_existing: bool = False) -> Iterator[None]:
    """Put the operations made inside on the device of ``op``."""
    with default_graph().device_scope(as_node(op).device):
        yield


@contextmanager
def init_scope() -> Iterator[None]:
    """Leave the enclosing control dependencies."""
    with default_graph().control_dependencies(None):
        yield


@contextmanager
def container(container_name: str) -> Iterator[str]:
    """Changes nothing: variables belong to their session, not to a container of its device."""
    yield container_name


# --- joining operations --------------------------------------------------------------------------


def no_op(name: str | None = None) -> Node:
    """An operation that does nothing: a place to hang control dependencies on."""
    return Builder(default_graph()).no_op(name=name or "NoOp")


def group(*inputs: Any, name: str | None = None, **kwargs: Any) -> Node:
    """One operation that runs all ``inputs``.

    >>> train = tf.group(train_a, train_b)
    """
    if kwargs:
        raise TypeError(f"group() got an unexpected argument {next(iter(kwargs))!r}")
    nodes = [as_node(part) for part in _flattened(inputs) if part is not None]
    graph = nodes[0].graph if nodes else default_graph()
    return Builder(graph).no_op(control=nodes, name=name or "group_deps")


def _flattened(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _flattened(value)
        else:
            yield value


def grouped_tuple(
    tensors: Sequence[Any], name: str | None = None, control_inputs: Sequence[Any] | None = None
) -> list[Tensor | None]:
    """The same tensors, each available only once all of them (and ``control_inputs``) are."""
    live = [t for t in listed(tensors, "tensors") if t is not None]
    if not live:
        raise ValueError("tuple needs at least one tensor")
    b = builder(*live)
    nodes = [as_node(t) for t in [*live, *(control_inputs or ())]]
    with b.home.name_scope(name or "tuple"):
        gate = b.no_op(control=nodes, name="group_deps")
        return [
            None
            if t is None
            else b.identity(as_tensor(t), control=[gate], name="control_dependency")
            for t in tensors
        ]


def identity(input: Any, name: str | None = None) -> Tensor:
    """The same value, as an operation of its own (for names, control dependencies, fetches)."""
    x = convert(input)
    return builder(x).identity(x, name=name or "Identity")


# --- the default graph and its collections -------------------------------------------------------


class GraphKeys:
    """The collections TF1 keeps by itself."""

    GLOBAL_VARIABLES = "variables"
    VARIABLES = "variables"
    LOCAL_VARIABLES = "local_variables"
    MODEL_VARIABLES = "model_variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    METRIC_VARIABLES = "metric_variables"
    SUMMARIES = "summaries"
    QUEUE_RUNNERS = "queue_runners"
    TABLE_INITIALIZERS = "table_initializer"
    ASSET_FILEPATHS = "asset_filepaths"
    SAVERS = "savers"
    WEIGHTS = "weights"
    BIASES = "biases"
    ACTIVATIONS = "activations"
    UPDATE_OPS = "update_ops"
    LOSSES = "losses"
    REGULARIZATION_LOSSES = "regularization_losses"
    INIT_OP = "init_op"
    LOCAL_INIT_OP = "local_init_op"
    READY_OP = "ready_op"
    SUMMARY_OP = "summary_op"
    GLOBAL_STEP = "global_step"
    TRAIN_OP = "train_op"
    CONCATENATED_VARIABLES = "concatenated_variables"
    TRAINABLE_RESOURCE_VARIABLES = "trainable_resource_variables"
    SAVEABLE_OBJECTS = "saveable_objects"
    RESOURCES = "resources"
    LOCAL_RESOURCES = "local_resources"
    READY_FOR_LOCAL_INIT_OP = "ready_for_local_init_op"
    EVAL_STEP = "eval_step"
    COND_CONTEXT = "cond_context"
    WHILE_CONTEXT = "while_context"


def get_collection(key: Any, scope: str | None = None) -> list:
    """A copy of a collection of the default graph; ``scope`` keeps the items whose name begins
    so."""
    return _graph_collection(default_graph(), key, scope)


def get_collection_ref(key: Any) -> list:
    """The collection itself: changes to it are kept."""
    return default_graph().collections.setdefault(key, [])


def add_to_collection(name: Any, value: Any) -> None:
    """Add ``value`` (a tensor, a variable, anything) to the default graph's collection ``name``."""
    default_graph().add_to_collection(name, value)


def add_to_collections(names: Any, value: Any) -> None:
    """Add ``value`` to each of the collections ``names``, or to the one that is a name."""
    for name in [names] if isinstance(names, str) else names:
        add_to_collection(name, value)


def disable_v2_behavior() -> None:
    """Nothing to do: graphs are all there is."""


def disable_eager_execution() -> None:
    """Nothing to do: graphs are all there is."""


def executing_eagerly() -> bool:
    """Always False."""
    return False


def set_random_seed(seed: int | None) -> None:
    """The seed of the default graph's random operations that have none of their own."""
    graph = default_graph()
    if seed is not None and not isinstance(seed, int | np.integer):
        raise TypeError(f"a seed is an integer, got {seed!r}")
    graph.seed = None if seed is None else int(seed)


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """(graph seed, op seed) as random operations made now would have them."""
    return default_graph().seed, op_seed


def _graph_collection(self: Graph, name: Any, scope: str | None = None) -> list:
    """A copy of a collection; ``scope`` (a pattern) keeps the items whose name begins so."""
    items = list(self.collections.get(name, ()))
    if scope is None:
        return items
    import re

    if not isinstance(scope, str):
        raise GraphError(f"scope is what names begin with, got {scope!r}", site=here())
    begins = re.compile(scope)
    return [item for item in items if hasattr(item, "name") and begins.match(item.name)]


def _graph_collection_ref(self: Graph, name: Any) -> list:
    return self.collections.setdefault(name, [])


def _clear_collection(self: Graph, name: Any) -> None:
    self.collections.pop(name, None)


def _as_graph_element(
    self: Graph, obj: Any, allow_tensor: bool = True, allow_operation: bool = True
) -> Any:
    """The tensor or operation of this graph that ``obj`` (one of those, a variable, a name) is."""
    from runtime.fetches import graph_element

    element = graph_element(self, obj, "find")
    if isinstance(element, Node) and not allow_operation:
        raise GraphError(f"{obj!r} is an operation, a tensor is needed", site=here())
    if isinstance(element, Tensor) and not allow_tensor:
        raise GraphError(f"{obj!r} is a tensor, an operation is needed", site=here())
    return element


_METHODS: dict[str, Callable] = {
    "get_collection": _graph_collection,
    "get_collection_ref": _graph_collection_ref,
    "clear_collection": _clear_collection,
    "as_graph_element": _as_graph_element,
}
for _name, _method in _METHODS.items():
    setattr(Graph, _name, _method)
