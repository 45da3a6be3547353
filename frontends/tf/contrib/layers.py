"""``tf.contrib.layers``: layers as functions with their variables, regularizers, initializers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontends.tf import layers as _layers
from frontends.tf.contractions import matmul, tensordot
from frontends.tf.contrib.initializers import (
    variance_scaling_initializer,
    xavier_initializer,
    xavier_initializer_conv2d,
)
from frontends.tf.forwards import forward
from frontends.tf.initializers import Zeros
from frontends.tf.nn import bias_add
from frontends.tf.regularizers import (
    apply_regularization,
    l1_l2_regularizer,
    l1_regularizer,
    l2_regularizer,
    sum_regularizer,
)
from frontends.tf.scopes import variable_scope
from frontends.tf.shapes import TensorShape
from frontends.tf.tensor import builder, convert
from frontends.tf.variable_getting import get_variable
from graphc.errors import ShapeError
from graphc.ir.graph import Tensor
from graphc.ir.source import here

__all__ = [
    "apply_regularization", "flatten", "fully_connected", "l1_l2_regularizer", "l1_regularizer",
    "l2_regularizer", "maxout", "sum_regularizer", "variance_scaling_initializer",
    "xavier_initializer", "xavier_initializer_conv2d",
]  # fmt: skip

_RELU, _ZEROS = forward("nn.relu"), Zeros()


def __getattr__(name: str) -> Any:
    from frontends.tf.names import elsewhere

    return elsewhere("contrib.layers", name, lambda: __all__)


def flatten(inputs: Any, outputs_collections: Any = None, scope: str | None = None) -> Tensor:
    """All axes after the first as one."""
    return _layers.flatten(inputs, name=scope)


def maxout(inputs: Any, num_units: int, axis: int = -1, scope: str | None = None) -> Tensor:
    """The largest of each group of channels along ``axis``, ``num_units`` groups (Goodfellow et
    al., 2013)."""
    x = convert(inputs)
    b = builder(x)
    shape = list(x.type.shape or ())
    channels = shape[axis] if shape else None
    if not isinstance(channels, int):
        raise ShapeError("maxout needs to know the size of its axis", site=here())
    if channels % num_units:
        raise ValueError(
            f"number of features({channels}) is not a multiple of num_units({num_units})"
        )
    shape[axis] = num_units
    grouped = (*shape, channels // num_units)  # groups along a last axis of their own, as in TF1
    with b.home.name_scope(scope or "MaxOut") as title:
        return b.reduce_max(b.reshape(x, shape=grouped), axis=(-1,), name=title)


def fully_connected(
    inputs: Any,
    num_outputs: int,
    activation_fn: Callable | None = _RELU,
    normalizer_fn: Callable | None = None,
    normalizer_params: dict | None = None,
    weights_initializer: Any = None,
    weights_regularizer: Callable | None = None,
    biases_initializer: Any = _ZEROS,
    biases_regularizer: Callable | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """``activation(inputs @ weights + biases)`` along the last axis; relu unless said otherwise.

    With ``normalizer_fn`` that takes the place of the biases.  The variables are ``weights`` and
    ``biases`` in ``scope`` (default: ``fully_connected``), shared under ``reuse``.

    >>> hidden = tf.contrib.layers.fully_connected(x, 64, activation_fn=tf.nn.tanh)
    """
    x = convert(inputs)
    size = TensorShape(x.type.shape).as_list()[-1]
    if size is None:
        raise ShapeError(
            "fully_connected needs to know the last axis of its inputs",
            rows=[("inputs", str(x.type), "")],
            hint="say it: x.set_shape([None, 784])",
            site=here(),
        )
    with variable_scope(scope, "fully_connected", [x], reuse=reuse):
        weights = get_variable(
            "weights", [size, num_outputs], x.dtype,
            weights_initializer or xavier_initializer(), weights_regularizer, trainable,
        )  # fmt: skip
        y = tensordot(x, weights, 1) if (x.type.rank or 0) > 2 else matmul(x, weights)
        if normalizer_fn is not None:
            y = normalizer_fn(y, **(normalizer_params or {}))
        elif biases_initializer is not None:
            biases = get_variable(
                "biases", [num_outputs], x.dtype, biases_initializer, biases_regularizer, trainable
            )
            y = bias_add(y, biases)
        return y if activation_fn is None else activation_fn(y)
