"""Layers that only compute: dropout, flatten, maxout, softmax, unit lengths; and a bias."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontends.tf.contrib.arg_scope import add_arg_scope
from frontends.tf.contrib.layers.shared import ZEROS, collected, layer_variable
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.layers.shaping import Dropout, Flatten
from frontends.tf.networks import nn
from frontends.tf.variables.scopes import variable_scope
from graphc.errors import ShapeError
from graphc.ir.graph import Tensor
from graphc.ir.source import here


@add_arg_scope
def dropout(
    inputs: Any,
    keep_prob: Any = 0.5,
    noise_shape: Any = None,
    is_training: Any = True,
    outputs_collections: Any = None,
    scope: Any = None,
    seed: int | None = None,
) -> Tensor:
    """``inputs`` with each element kept with probability ``keep_prob``, when ``is_training``."""
    x = convert(inputs)
    with variable_scope(scope, "Dropout", [x]) as inner:
        layer = Dropout(1 - keep_prob, noise_shape, seed, name=inner.name, _scope=inner)
        return collected(layer(x, training=is_training), outputs_collections)


@add_arg_scope
def flatten(inputs: Any, outputs_collections: Any = None, scope: str | None = None) -> Tensor:
    """All axes after the first as one."""
    x = convert(inputs)
    with builder(x).home.name_scope(scope or "Flatten") as inner:
        return collected(Flatten().call(x), outputs_collections, inner)


@add_arg_scope
def bias_add(
    inputs: Any,
    activation_fn: Callable | None = None,
    initializer: Any = ZEROS,
    regularizer: Callable | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    data_format: str = "NHWC",
    scope: Any = None,
) -> Tensor:
    """``inputs`` and a variable ``biases``, one per channel (the last axis; axis 1 for NCHW)."""
    if data_format not in ("NHWC", "NCHW"):
        raise ValueError(f"data_format is NHWC or NCHW, got {data_format!r}")
    x = convert(inputs)
    with variable_scope(scope, "BiasAdd", [x], reuse=reuse):
        channels = TensorShape(x.type.shape).as_list()[1 if data_format == "NCHW" else -1]
        biases = layer_variable(
            "biases", [channels], x.dtype, variables_collections, initializer=initializer,
            regularizer=regularizer, trainable=trainable,
        )  # fmt: skip
        y = nn.bias_add(x, biases, data_format=data_format)
        return collected(y if activation_fn is None else activation_fn(y), outputs_collections)


@add_arg_scope
def softmax(logits: Any, scope: Any = None) -> Tensor:
    """Softmax along the last axis."""
    with variable_scope(scope, "softmax", [logits]):
        return nn.softmax(logits)


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


@add_arg_scope
def unit_norm(inputs: Any, dim: int, epsilon: float = 1e-7, scope: Any = None) -> Tensor:
    """``inputs`` divided by their length along ``dim``, ``sqrt(epsilon + sum(x * x))``."""
    x = convert(inputs)
    with variable_scope(scope, "UnitNorm", [x]):
        rank = x.type.rank
        if rank is None:
            raise ValueError("the rank of the inputs must be known")
        if not 0 <= dim < rank:
            raise ValueError(f"dim is in [0, {rank}), got {dim}")
        b = builder(x)
        squares = b.reduce_sum(b.square(x), axis=(dim,), keepdims=True)
        return b.truediv(x, b.sqrt(b.add(squares, epsilon)))


def poincare_normalize(
    x: Any, axis: int = 1, epsilon: float = 1e-5, name: str | None = None
) -> Tensor:
    """``x`` scaled down to a length below ``1 - epsilon`` along ``axis`` where it is longer."""
    value = convert(x)
    b = builder(value)
    with b.home.name_scope(name or "poincare_normalize"):
        squares = b.reduce_sum(b.square(value), axis=(axis,), keepdims=True)
        scale = b.mul(b.rsqrt(b.add(squares, epsilon)), 1.0 - epsilon)
        return b.mul(value, b.minimum(scale, 1.0))


def scale_gradient(inputs: Any, gradient_multiplier: float) -> Tensor:
    """``inputs``, whose gradient is multiplied by ``gradient_multiplier``."""
    x = convert(inputs)
    b = builder(x)
    share = b.tensor(gradient_multiplier, like=x)
    kept = b.stop_gradient(b.mul(x, b.sub(1.0, share)))
    return b.add(b.mul(x, share), kept)
