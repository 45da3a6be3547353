"""Tensors as TF1 users see them: shape, eval, set_shape; and making tensors of Python values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

import frontends.tf.graph.graph_methods  # noqa: F401  (gives graphs and operations theirs)
from frontends.tf.graph.shapes import Dimension, TensorShape
from graphc.errors import AttributeValueError, DTypeError, GraphError, ShapeError
from graphc.ir.builder import Builder, as_tensor
from graphc.ir.dims import Dim, Expr
from graphc.ir.dtype import DType, as_dtype, int32
from graphc.ir.graph import Node, Tensor, default_graph
from graphc.ir.shape_values import dims_of
from graphc.ir.source import here
from graphc.ir.types import Equal


def builder(*values: Any) -> Builder:
    """Builds in the graph of the first tensor among ``values``, else in the default graph."""
    for value in values:
        tensor = as_tensor(value)
        if tensor is not None:
            return Builder(tensor.graph)
    return Builder(default_graph())


def convert(
    value: Any, dtype: Any = None, like: Tensor | None = None, name: str | None = None
) -> Tensor:
    """``value`` as a tensor: tensors and variables as they are, lists that hold tensors stacked,
    all else a constant of ``dtype`` or of ``like``'s dtype."""
    tensor = as_tensor(value)
    wanted = as_dtype(dtype) if dtype is not None else None
    if tensor is not None:
        if wanted is not None and tensor.dtype is not wanted:
            raise ValueError(
                f"tensor {tensor.name} is {tensor.dtype}, {wanted} was asked for; "
                f"convert it: tf.cast(x, tf.{wanted})"
            )
        return tensor
    if isinstance(value, list | tuple) and _first_tensor(value) is not None:
        inner = like if like is not None else _first_tensor(value)
        parts = [convert(v, wanted, None if wanted else inner) for v in value]
        return builder(*parts).pack(*parts, axis=0)
    if isinstance(value, TensorShape):
        return shape_tensor(value.symbolic() or (), wanted or int32)
    if isinstance(value, Dimension):
        return shape_tensor(value.dim, wanted or int32)
    if isinstance(value, list | tuple) and any(isinstance(v, Dimension | Expr) for v in value):
        return shape_tensor(
            [v.dim if isinstance(v, Dimension) else v for v in value], wanted or int32
        )
    b = builder(like)
    if wanted is None and like is not None:
        wanted = like.dtype
    result = b.tensor(value, dtype=wanted)
    return b.identity(result, name=name) if name and name != result.node.name else result


def _first_tensor(values: Iterable[Any]) -> Tensor | None:
    for value in values:
        found = _first_tensor(value) if isinstance(value, list | tuple) else as_tensor(value)
        if found is not None:
            return found
    return None


def shape_tensor(value: Any, dtype: DType = int32) -> Tensor:
    """Sizes as a tensor: a scalar of one, or a vector of several; symbolic ones are computed."""
    b = Builder(default_graph())
    if isinstance(value, Expr):
        return b.dim_value(dim=value, dtype=dtype)
    if isinstance(value, int):
        return b.tensor(value, dtype=dtype)
    if value is None or any(v is None for v in value):
        raise ShapeError("a size of this shape is not known; use tf.shape(x)", site=here())
    if all(isinstance(v, int) for v in value):
        return b.tensor(np.asarray(list(value), dtype.numpy), dtype=dtype)
    return b.pack(*(shape_tensor(v, dtype) for v in value), axis=0)


def plain(value: Any) -> Any:
    """A shape argument without TF1's faces: Dimensions and TensorShapes as symbolic sizes."""
    if isinstance(value, TensorShape):
        return value.symbolic()
    if isinstance(value, Dimension):
        return value.dim
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value


def sizes_of(b: Builder, value: Any) -> tuple[Dim, ...]:
    """A shape argument as symbolic sizes: ints, Dimensions, tensors such as ``tf.shape(x)[0] *
    2``, lists of those, or a shape tensor.  -1 stays -1."""
    return b.shape_argument(plain(value))


def size_of(b: Builder, value: Any) -> Dim:
    """One size: an int, a Dimension, or an integer scalar tensor."""
    return b.dim_argument(plain(value))


# --- methods of Tensor and Node -----------------------------------------------------------------


def _shape(self: Tensor) -> TensorShape:
    return TensorShape(self.type.shape)


def _set_shape(self: Tensor, shape: Any) -> None:
    """Say what is known of a tensor's shape; a contradiction is an error.

    Sizes taken on trust are checked when the graph runs.
    """
    given = TensorShape(shape)
    try:
        merged = TensorShape(self.type.shape).merge_with(given).symbolic()
    except ValueError:
        raise ShapeError(
            f"set_shape contradicts what is known of {self.name}",
            rows=[("known", str(TensorShape(self.type.shape)), ""), ("given", str(given), "")],
            site=here(),
        ) from None
    if merged is None or merged == self.type.shape:
        return
    graph = self.graph
    known: Any = tuple(graph.new_dim(self.node.name) if d is None else d for d in merged)
    if self.node.op.name == "placeholder":
        self.node.op = self.node.op.replace(shape=known)
    elif self.node.op.name == "py_func":
        known = tuple(graph.new_dim("size", data=True) if d is None else d for d in merged)
        shapes = list(self.node.get_attr("shapes") or (None,) * len(self.node.outputs))
        shapes[self.index] = known
        self.node.op = self.node.op.replace(shapes=tuple(shapes))
    elif self.type.shape is not None:
        self.node.checks += tuple(
            Equal(old, new, "set_shape")
            for old, new in zip(self.type.shape, known, strict=True)
            if old != new
        )
    self.type = self.type.with_shape(known)


def _eval(self: Any, feed_dict: dict | None = None, session: Any = None) -> Any:
    """The value in ``session`` (default: the default session)."""
    from runtime.session import evaluate

    return evaluate(as_tensor(self), feed_dict, session)


def _consumers(self: Tensor) -> list[Node]:
    """The operations that read this tensor."""
    return [node for node in self.graph.nodes if any(t is self for t in node.operands)]


# attribute that arrays of other libraries have: what to write here
_INSTEAD = {
    **dict.fromkeys(("numpy", "item", "tolist"), "its value is what a run gives: sess.run(x)"),
    **{
        name: f"tf.reduce_{name}(x)" for name in ("sum", "mean", "max", "min", "prod", "any", "all")
    },
    "T": "tf.transpose(x)",
    "astype": "tf.cast(x, dtype)",
    "backward": "tf.gradients(loss, variables)",
    "detach": "tf.stop_gradient(x)",
    "ndim": "x.shape.ndims",
    "reshape": "tf.reshape(x, shape)",
    "transpose": "tf.transpose(x)",
    **dict.fromkeys(("assign_add", "assign_sub", "initializer"), "only a tf.Variable has one"),
}


def no_attribute(self: Any, name: str) -> Any:
    """The error for an attribute that a tensor or variable does not have: what to write, or what is
    near."""
    said = f"{type(self).__name__!r} object has no attribute {name!r}"
    if not name.startswith("_"):
        from difflib import get_close_matches

        near = get_close_matches(name, [n for n in dir(type(self)) if n[0] != "_"], 3, 0.75)
        more = _INSTEAD.get(name) or (f"near: {', '.join(near)}" if near else "")
        said = f"{said}; {more}" if more else said
    raise AttributeError(said)


Tensor.__getattr__ = no_attribute  # type: ignore[attr-defined]
Tensor.shape = property(_shape)  # type: ignore[attr-defined]
Tensor.get_shape = _shape  # type: ignore[attr-defined]
Tensor.set_shape = _set_shape  # type: ignore[attr-defined]
Tensor.eval = _eval  # type: ignore[attr-defined]
Tensor.consumers = _consumers  # type: ignore[attr-defined]


def is_tensor(x: Any) -> bool:
    return as_tensor(x) is not None


def as_node(value: Any) -> Node:
    """The operation behind an operation, tensor, variable, or the name of one."""
    if isinstance(value, Node):
        return value
    tensor = as_tensor(value)
    if tensor is not None:
        return tensor.node
    if isinstance(value, str):
        graph = default_graph()
        return (
            graph.get_tensor_by_name(value).node
            if ":" in value
            else graph.get_operation_by_name(value)
        )
    raise GraphError(
        f"an operation or tensor is needed, got {value!r} ({type(value).__name__})", site=here()
    )


def known_rank(tensor: Tensor, what: str) -> int:
    """The rank of a tensor, which ``what`` needs to know while the graph is built."""
    if tensor.type.rank is None:
        raise ShapeError(
            f"{what} needs to know the rank of {tensor.name}",
            hint="say it: x.set_shape([None, 784])",
            site=here(),
        )
    return tensor.type.rank


def whole_number(value: Any, what: str) -> int:
    """An argument that shapes the graph: an int, an integral float, or a constant tensor."""
    tensor = as_tensor(value)
    found: Any = value if tensor is None else dims_of(tensor)
    if isinstance(found, Dimension):
        found = found.dim
    if isinstance(found, float | np.floating) and float(found).is_integer():
        found = int(found)
    if not hasattr(found, "__index__") or np.ndim(found):
        raise AttributeValueError(
            f"{what} must be an integer known while the graph is built, got {value!r}", site=here()
        )
    return found.__index__()


def listed(values: Any, what: str) -> list[Any]:
    """An argument that is a list of tensors, as a list."""
    if as_tensor(values) is not None:
        hint = f"put it in a list: {what}=[...]"
    elif isinstance(values, Iterable) and not isinstance(values, str | bytes | Mapping):
        return list(values)
    else:
        hint = None
    raise DTypeError(f"{what} must be a list of tensors, got {values!r}", hint=hint, site=here())


def as_scalar(value: Any) -> Tensor:
    """A switch or rate as a scalar: ``tf.placeholder(tf.bool)`` has no rank until it is fed."""
    tensor = convert(value)
    return tensor if tensor.type.shape == () else builder(tensor).reshape(tensor, shape=())
