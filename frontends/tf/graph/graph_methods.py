"""Graphs, operations and tensors: the rest of what TF1 lets one ask of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from graphc.errors import OpError
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Graph, GraphErrorKey, Node, Tensor, default_graph
from graphc.ir.source import here

# --- Graph ---------------------------------------------------------------------------------------


def _as_graph_def(self: Graph, from_version: int | None = None, add_shapes: bool = False) -> Any:
    """The graph as a ``tf.GraphDef``: op types, names, operands and attributes as TensorFlow
    writes them; the tensorboard package has the message."""
    from frontends.tf.graph_def.exporting import as_graph_def

    return as_graph_def(self, from_version, add_shapes)


def _all_collection_keys(self: Graph) -> list[str]:
    """The names of the collections with something in them."""
    return [key for key, held in self.collections.items() if isinstance(key, str) and held]


def _add_to_collections(self: Graph, names: Any, value: Any) -> None:
    for name in [names] if isinstance(names, str) else dict.fromkeys(names):
        self.add_to_collection(name, value)


def _name_scope_now(self: Graph) -> str:
    """The current name scope, without the ``/`` at its end."""
    return self.scope.rstrip("/")


def _unfeedable(self: Graph) -> set[Tensor]:
    return self.__dict__.setdefault("unfeedable", set())


def _unfetchable(self: Graph) -> set[Node]:
    return self.__dict__.setdefault("unfetchable", set())


def _prevent_feeding(self: Graph, tensor: Tensor) -> None:
    _unfeedable(self).add(tensor)


def _prevent_fetching(self: Graph, op: Node) -> None:
    _unfetchable(self).add(op)


def _is_feedable(self: Graph, tensor: Any) -> bool:
    return as_tensor(tensor) not in _unfeedable(self)


def _is_fetchable(self: Graph, tensor_or_op: Any) -> bool:
    tensor = as_tensor(tensor_or_op)
    return (tensor.node if tensor is not None else tensor_or_op) not in _unfetchable(self)


@contextmanager
def _device(self: Graph, device_name_or_function: Any) -> Iterator[None]:
    """Ask for a device for the operations made inside; None asks for none."""
    from frontends.tf.graph.building import device

    with self.as_default(), device(device_name_or_function):
        yield


def _colocate_with(self: Graph, op: Any, ignore_existing: bool = False) -> Any:
    from frontends.tf.graph.building import colocate_with

    return colocate_with(op, ignore_existing)


@contextmanager
def _container(self: Graph, container_name: str) -> Iterator[str]:
    """Nothing to do: variables belong to a session."""
    yield container_name


_make_dependencies = Graph.control_dependencies


def _control_dependencies(self: Graph, control_inputs: Any) -> Any:
    """Operations made inside run after ``control_inputs`` (operations, tensors, variables);
    None forgets the enclosing ones."""
    from frontends.tf.graph.tensor import as_node

    nodes = None if control_inputs is None else [as_node(c) for c in control_inputs]
    return _make_dependencies(self, nodes)


@contextmanager
def _gradient_override_map(self: Graph, op_type_map: dict[str, str]) -> Iterator[None]:
    """Operations of the types named, made inside, have the gradient registered under another
    name.

    >>> @tf.RegisterGradient("Straight")
    ... def _(op, grad):
    ...     return grad
    >>> with tf.get_default_graph().gradient_override_map({"Round": "Straight"}):
    ...     y = tf.round(x)
    """
    outer = self.vjp_scope
    self.vjp_scope = {**outer, **{kind: _looked_up(name) for kind, name in op_type_map.items()}}
    try:
        yield
    finally:
        self.vjp_scope = outer


def _looked_up(name: str) -> Callable:
    """The gradient registered under a name by the time it is needed."""
    return lambda op, *grads: registered_gradient(name)(op, *grads)


# --- Operation -----------------------------------------------------------------------------------


def _node_def(self: Node) -> Any:
    """The operation as a ``tf.NodeDef``."""
    from frontends.tf.graph_def.node_defs import write_node

    return write_node(self, set(self.graph.by_name), False)[-1]


_own_attribute = Node.get_attr


def _get_attr(self: Node, name: str) -> Any:
    """An attribute: one of graphc's, or one of TensorFlow's by its name there."""
    try:
        return _own_attribute(self, name)
    except ValueError:
        attributes = _node_def(self).attr
        if name not in attributes:
            raise
    from frontends.tf.graph_def.attributes import attribute_value

    return attribute_value(attributes[name])


def _traceback(self: Node) -> list[tuple[str, int, str, str]]:
    """The user's lines that made it: (file, line, function, text)."""
    return [
        (s.filename, s.line, s.code.co_name if s.code is not None else "", s.text)
        for s in self.sites
    ]


def _op_def(self: Node) -> Any:
    return SimpleNamespace(name=self.node_def.op)  # type: ignore[attr-defined]


def _of_no_group(self: Node) -> list[bytes]:
    return [f"loc:@{self.name}".encode()]


# --- Tensor --------------------------------------------------------------------------------------


def _ref(self: Tensor) -> Tensor:
    """The tensor itself: it hashes by identity."""
    return self


def _ndim(self: Tensor) -> int | None:
    return self.type.rank


# --- errors --------------------------------------------------------------------------------------


def _failed_op(self: OpError) -> Node | None:
    """The operation that failed, where it is in the default graph."""
    return default_graph().by_name.get(self.node_name)


def _failed_node_def(self: OpError) -> Any:
    op = _failed_op(self)
    return None if op is None else _node_def(op)


# --- gradients by name ---------------------------------------------------------------------------

GRADIENTS: dict[str, Callable] = {}


class RegisterGradient:
    """Register a gradient by name, for ``gradient_override_map``.

    The function takes the operation and the gradients of its outputs, and gives one gradient (or
    None) per input.
    """

    def __init__(self, op_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError(f"a gradient's name is text, got {op_type!r}")
        self._name = op_type

    def __call__(self, f: Callable) -> Callable:
        if self._name in GRADIENTS:
            raise KeyError(f"a gradient is already registered under {self._name!r}")
        GRADIENTS[self._name] = f
        return f


def NotDifferentiable(op_type: str) -> None:
    """Register under a name that no gradient flows."""
    RegisterGradient(op_type)(lambda op, *grads: [None] * len(op.inputs))


def registered_gradient(name: str) -> Callable:
    """The gradient registered under a name."""
    if name not in GRADIENTS:
        from difflib import get_close_matches

        near = get_close_matches(name, GRADIENTS, 3)
        raise GraphErrorKey(
            f"no gradient is registered under {name!r}",
            hint=f"near: {', '.join(near)}" if near else "@tf.RegisterGradient(name) registers one",
            site=here(),
        )
    return GRADIENTS[name]


_GRAPH: dict[str, Any] = {
    "as_graph_def": _as_graph_def,
    "get_all_collection_keys": _all_collection_keys,
    "add_to_collections": _add_to_collections,
    "get_name_scope": _name_scope_now,
    "prevent_feeding": _prevent_feeding,
    "prevent_fetching": _prevent_fetching,
    "is_feedable": _is_feedable,
    "is_fetchable": _is_fetchable,
    "colocate_with": _colocate_with,
    "device": _device,
    "container": _container,
    "control_dependencies": _control_dependencies,
    "gradient_override_map": _gradient_override_map,
    "version": property(lambda self: self.revision),
    "graph_def_versions": property(lambda self: _as_graph_def(self, self.revision).versions),
    "building_function": property(lambda self: False),
}
_NODE: dict[str, Any] = {
    "node_def": property(_node_def),
    "get_attr": _get_attr,
    "traceback": property(_traceback),
    "op_def": property(_op_def),
    "colocation_groups": _of_no_group,
}
_TENSOR: dict[str, Any] = {"ref": _ref, "experimental_ref": _ref, "ndim": property(_ndim)}
_ERROR: dict[str, Any] = {
    "op": property(_failed_op),
    "node_def": property(_failed_node_def),
}
_MEMBERS: tuple[tuple[type, dict[str, Any]], ...] = (
    (Graph, _GRAPH), (Node, _NODE), (Tensor, _TENSOR), (OpError, _ERROR),
)  # fmt: skip
for _owner, _members in _MEMBERS:
    for _name, _member in _members.items():
        setattr(_owner, _name, _member)
