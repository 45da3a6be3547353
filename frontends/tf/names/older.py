"""Functions of TF1's earlier releases and of its contrib that take their arguments in another
order than the ones that took their place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Parameter, Signature
from types import SimpleNamespace
from typing import Any

from frontends.tf.graph.tensor import as_node, convert
from frontends.tf.names.missing import resolve
from frontends.tf.networks import losses
from graphc.ir.dtype import int64
from graphc.ir.graph import Tensor


def select(condition: Any, t: Any, e: Any, name: str | None = None) -> Tensor:
    """``tf.where(condition, t, e)``."""
    return resolve("where")(condition, t, e, name=name)


def op_scope(values: Any, name: Any, default_name: Any = None) -> Any:
    """``tf.name_scope(name, default_name, values)``."""
    return resolve("name_scope")(name, default_name, values)


def arg_max(input: Any, dimension: Any, output_type: Any = int64, name: Any = None) -> Tensor:
    """``tf.argmax(input, dimension)``."""
    return resolve("argmax")(input, dimension, name=name, output_type=output_type)


def arg_min(input: Any, dimension: Any, output_type: Any = int64, name: Any = None) -> Tensor:
    """``tf.argmin(input, dimension)``."""
    return resolve("argmin")(input, dimension, name=name, output_type=output_type)


def listdiff(x: Any, y: Any, out_idx: Any = None, name: str | None = None) -> Any:
    """``tf.setdiff1d(x, y)``."""
    given = {} if out_idx is None else {"index_dtype": out_idx}
    return resolve("setdiff1d")(x, y, name=name, **given)


def batch_matmul(
    x: Any, y: Any, adj_x: bool = False, adj_y: bool = False, name: str | None = None
) -> Tensor:
    """``tf.matmul`` over the leading axes."""
    return resolve("matmul")(x, y, adjoint_a=adj_x, adjoint_b=adj_y, name=name)


def where_v2(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """``tf.where`` whose operands broadcast."""
    where = resolve("where")
    if x is None and y is None:
        return where(condition, name=name)
    shape = resolve("broadcast_dynamic_shape")
    x, y, condition = convert(x), convert(y), convert(condition)
    sizes = resolve("shape")
    common = shape(shape(sizes(x), sizes(y)), sizes(condition))
    spread = resolve("broadcast_to")
    return where(spread(condition, common), spread(x, common), spread(y, common), name=name)


# --- losses of contrib: predictions first ---------------------------------------------------------


def _predictions_first(name: str) -> Callable[..., Tensor]:
    loss = getattr(losses, name)

    def flipped(
        predictions: Any, labels: Any = None, weights: Any = 1.0, *rest: Any, **named: Any
    ) -> Tensor:
        return loss(labels, predictions, weights, *rest, **named)

    flipped.__name__ = flipped.__qualname__ = name
    flipped.__doc__ = f"``tf.losses.{name}(labels, predictions)``."
    return flipped


contrib_absolute_difference = _predictions_first("absolute_difference")
contrib_log_loss = _predictions_first("log_loss")
contrib_mean_squared_error = _predictions_first("mean_squared_error")


def contrib_hinge_loss(logits: Any, labels: Any = None, scope: str | None = None) -> Tensor:
    """The hinge loss of every element: ``max(0, 1 - y * logits)`` with ``y`` in -1, 1."""
    options = {"reduction": losses.Reduction.NONE, "loss_collection": None}
    return resolve("losses.hinge_loss")(labels, logits, scope=scope, **options)


def contrib_cosine_distance(
    predictions: Any, labels: Any = None, axis: Any = None, weights: Any = 1.0, scope: Any = None,
    dim: Any = None,
) -> Tensor:  # fmt: skip
    """``tf.losses.cosine_distance(labels, predictions)``."""
    chosen = axis if axis is not None else dim
    return resolve("losses.cosine_distance")(labels, predictions, chosen, weights, scope)


def contrib_mean_pairwise_squared_error(
    predictions: Any, labels: Any = None, weights: Any = 1.0, scope: Any = None
) -> Tensor:
    """``tf.losses.mean_pairwise_squared_error(labels, predictions)``."""
    return resolve("losses.mean_pairwise_squared_error")(labels, predictions, weights, scope)


def contrib_softmax_cross_entropy(
    logits: Any, onehot_labels: Any, weights: Any = 1.0, label_smoothing: float = 0,
    scope: Any = None,
) -> Tensor:  # fmt: skip
    """``tf.losses.softmax_cross_entropy(onehot_labels, logits)``."""
    loss = resolve("losses.softmax_cross_entropy")
    return loss(onehot_labels, logits, weights, label_smoothing, scope)


def contrib_sparse_softmax_cross_entropy(
    logits: Any, labels: Any, weights: Any = 1.0, scope: Any = None
) -> Tensor:
    """``tf.losses.sparse_softmax_cross_entropy(labels, logits)``."""
    return resolve("losses.sparse_softmax_cross_entropy")(labels, logits, weights, scope)


def contrib_sigmoid_cross_entropy(
    logits: Any, multi_class_labels: Any, weights: Any = 1.0, label_smoothing: float = 0,
    scope: Any = None,
) -> Tensor:  # fmt: skip
    """``tf.losses.sigmoid_cross_entropy(multi_class_labels, logits)``."""
    loss = resolve("losses.sigmoid_cross_entropy")
    return loss(multi_class_labels, logits, weights, label_smoothing, scope)


def flipped_softmax(logits: Any, labels: Any, dim: int = -1, name: str | None = None) -> Tensor:
    """The softmax cross entropy of 0.x: logits before labels."""
    loss = resolve("nn.softmax_cross_entropy_with_logits")
    return loss(labels=labels, logits=logits, dim=dim, name=name)


def flipped_sparse_softmax(logits: Any, labels: Any, name: str | None = None) -> Tensor:
    """The sparse softmax cross entropy of 0.x: logits before labels."""
    loss = resolve("nn.sparse_softmax_cross_entropy_with_logits")
    return loss(labels=labels, logits=logits, name=name)


def flipped_sigmoid(logits: Any, targets: Any, name: str | None = None) -> Tensor:
    """The sigmoid cross entropy of 0.x: logits before targets."""
    loss = resolve("nn.sigmoid_cross_entropy_with_logits")
    return loss(labels=targets, logits=logits, name=name)


def batch_norm_with_global_normalization(
    t: Any = None, m: Any = None, v: Any = None, beta: Any = None, gamma: Any = None,
    variance_epsilon: Any = None, scale_after_normalization: Any = None, name: Any = None,
    input: Any = None, mean: Any = None, variance: Any = None,
) -> Tensor:  # fmt: skip
    """``tf.nn.batch_normalization``, scaled by ``gamma`` only where that is said."""
    x, mean = (t if input is None else input), (m if mean is None else mean)
    return resolve("nn.batch_normalization")(
        x, mean, v if variance is None else variance, beta,
        gamma if scale_after_normalization else None, variance_epsilon, name,
    )  # fmt: skip


# --- inside tensorflow.python ---------------------------------------------------------------------


def with_dependencies(dependencies: Sequence[Any], output_tensor: Any, name: Any = None) -> Tensor:
    """``output_tensor``, once the operations have run."""
    with resolve("control_dependencies")([as_node(d) for d in dependencies]):
        return resolve("identity")(output_tensor, name=name)


def convert_n_to_tensor(values: Sequence[Any], dtype: Any = None, name: Any = None) -> list[Tensor]:
    """Each value as a tensor."""
    return [convert(value, dtype) for value in values]


def shared_resources() -> list[Any]:
    """What must be initialised beside variables: nothing here."""
    return []


local_resources = shared_resources


def initialize_resources(resource_list: Sequence[Any], name: str = "init") -> Any:
    """An operation that initialises what :func:`shared_resources` gave."""
    return resolve("group")(*resource_list, name=name)


def unknown_shape(ndims: int | None = None, rank: int | None = None) -> Any:
    """A shape of that many unknown sizes; of unknown rank without a number."""
    count = rank if rank is not None else ndims
    return resolve("TensorShape")(None if count is None else [None] * count)


def smart_cond(pred: Any, fn1: Callable, fn2: Callable, name: Any = None) -> Any:
    """``fn1()`` or ``fn2()``; both are built only where ``pred`` is not known yet."""
    known = pred if isinstance(pred, bool | int) else resolve("get_static_value")(pred)
    if known is not None:
        return fn1() if known else fn2()
    return resolve("cond")(pred, fn1, fn2, name=name)


def list_local_devices(session_config: Any = None) -> list[SimpleNamespace]:
    """The devices a session can be opened on, with their TF1 names and kinds."""
    from importlib.util import find_spec

    from runtime.session import DEVICES

    present = [name for name, module in DEVICES.items() if find_spec(module)]
    return [
        SimpleNamespace(
            name=f"/device:{name.upper()}:0", device_type=name.upper(), memory_limit=0,
            physical_device_desc="",
        )
        for name in present
        if name != "reference"
    ]  # fmt: skip


def read_file_to_string(filename: str, binary_mode: bool = False) -> str | bytes:
    """A file's text, or its bytes."""
    with resolve("gfile.GFile")(filename, "rb" if binary_mode else "r") as file:
        return file.read()


def write_string_to_file(filename: str, file_content: str) -> None:
    """Make a file of a text."""
    with resolve("gfile.GFile")(filename, "w") as file:
        file.write(file_content)


# --- tf.io.gfile: the functions of tf.gfile by names of the system -------------------------------


def _file_function(name: str, *parameters: str) -> Callable:
    def apply(*args: Any, **named: Any) -> Any:
        given = signature.bind(*args, **named)
        given.apply_defaults()
        return resolve(f"gfile.{name}")(*given.args)

    kind = Parameter.POSITIONAL_OR_KEYWORD
    defaults = {"overwrite": False}
    signature = Signature(
        [Parameter(p, kind, default=defaults.get(p, Parameter.empty)) for p in parameters]
    )
    apply.__signature__ = signature  # type: ignore[attr-defined]
    apply.__doc__ = f"``tf.gfile.{name}``."
    return apply


copy = _file_function("Copy", "src", "dst", "overwrite")
exists = _file_function("Exists", "path")
glob = _file_function("Glob", "pattern")
isdir = _file_function("IsDirectory", "path")
listdir = _file_function("ListDirectory", "path")
makedirs = _file_function("MakeDirs", "path")
mkdir = _file_function("MkDir", "path")
remove = _file_function("Remove", "path")
rename = _file_function("Rename", "src", "dst", "overwrite")
rmtree = _file_function("DeleteRecursively", "path")
stat = _file_function("Stat", "path")


def walk(top: Any, topdown: bool = True, onerror: Any = None) -> Any:
    """``tf.gfile.Walk``."""
    return resolve("gfile.Walk")(top, topdown)
