"""Fully connected layers, and layers one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from frontends.tf.contrib.arg_scope import add_arg_scope
from frontends.tf.contrib.initializers import xavier_initializer
from frontends.tf.contrib.layers.shared import (
    RELU,
    ZEROS,
    collected,
    finished,
    layer_variable,
)
from frontends.tf.functions.contractions import tensordot
from frontends.tf.graph.building import GraphKeys
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.names.forwards import forward
from frontends.tf.networks.nn import bias_add
from frontends.tf.variables.scopes import variable_scope
from graphc.errors import ShapeError
from graphc.ir.graph import Tensor
from graphc.ir.source import here


@add_arg_scope
def fully_connected(
    inputs: Any, num_outputs: int, activation_fn: Callable | None = RELU,
    normalizer_fn: Callable | None = None, normalizer_params: dict | None = None,
    weights_initializer: Any = None, weights_regularizer: Callable | None = None,
    biases_initializer: Any = ZEROS, biases_regularizer: Callable | None = None, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
    scope: Any = None,
) -> Tensor:  # fmt: skip
    """``activation(inputs @ weights + biases)`` along the last axis; relu unless said otherwise.

    With ``normalizer_fn`` that takes the place of the biases.  The variables are ``weights`` and
    ``biases`` in ``scope`` (default: ``fully_connected``), shared under ``reuse``.

    >>> hidden = tf.contrib.layers.fully_connected(x, 64, activation_fn=tf.nn.tanh)
    """
    if isinstance(num_outputs, bool) or not hasattr(num_outputs, "__index__"):
        raise ValueError(f"num_outputs is an integer, got {num_outputs!r}")
    x = convert(inputs)
    sizes = TensorShape(x.type.shape).as_list() if x.type.shape is not None else [None]
    if sizes[-1:] in ([None], []):
        raise ShapeError(
            "fully_connected needs to know the last axis of its inputs",
            rows=[("inputs", str(x.type), "")],
            hint="say it: x.set_shape([None, 784])",
            site=here(),
        )
    with variable_scope(scope, "fully_connected", [x], reuse=reuse):
        weights = layer_variable(
            "weights", [sizes[-1], int(num_outputs)], x.dtype, variables_collections,
            initializer=weights_initializer or xavier_initializer(),
            regularizer=weights_regularizer, trainable=trainable,
        )  # fmt: skip
        if len(sizes) > 2:
            y = tensordot(x, weights, [[len(sizes) - 1], [0]])
        else:
            y = builder(x).matmul(x, convert(weights))
        return finished(
            y, int(num_outputs), None, activation_fn, normalizer_fn, normalizer_params,
            biases_initializer, biases_regularizer, variables_collections, outputs_collections,
            trainable,
        )  # fmt: skip


linear = partial(fully_connected, activation_fn=None)
relu = partial(fully_connected, activation_fn=RELU)
relu6 = partial(fully_connected, activation_fn=forward("nn.relu6"))
elu = partial(fully_connected, activation_fn=forward("nn.elu"))


def legacy_fully_connected(
    x: Any, num_output_units: int, activation_fn: Callable | None = None, weight_init: Any = None,
    bias_init: Any = ZEROS, name: str | None = None,
    weight_collections: Sequence[str] = (GraphKeys.WEIGHTS,),
    bias_collections: Sequence[str] = (GraphKeys.BIASES,),
    output_collections: Sequence[str] = (GraphKeys.ACTIVATIONS,), trainable: bool = True,
    weight_regularizer: Callable | None = None, bias_regularizer: Callable | None = None,
) -> Tensor:  # fmt: skip
    """The older form of :func:`fully_connected`: its variables are ``weights`` and ``bias``, kept
    in collections of their own."""
    value = convert(x)
    with variable_scope(name, "fully_connected", [value]):
        size = TensorShape(value.type.shape).as_list()[-1]
        weights = layer_variable(
            "weights", [size, num_output_units], value.dtype, weight_collections,
            initializer=weight_init or xavier_initializer(),
            regularizer=weight_regularizer, trainable=trainable,
        )  # fmt: skip
        y = tensordot(value, weights, [[(value.type.rank or 2) - 1], [0]])
        if bias_init is not None:
            bias = layer_variable(
                "bias", [num_output_units], value.dtype, bias_collections, initializer=bias_init,
                regularizer=bias_regularizer, trainable=trainable,
            )  # fmt: skip
            y = bias_add(y, bias)
        return collected(y if activation_fn is None else activation_fn(y), output_collections)


legacy_linear = partial(legacy_fully_connected, activation_fn=None)
legacy_relu = partial(legacy_fully_connected, activation_fn=RELU)


def stack(inputs: Any, layer: Callable, stack_args: Sequence[Any], **kwargs: Any) -> Tensor:
    """A layer several times, one on the other, each time with the next of ``stack_args``.

    >>> y = tf.contrib.layers.stack(x, tf.contrib.layers.fully_connected, [64, 32], scope="fc")
    """
    scope, reuse = kwargs.pop("scope", None), kwargs.pop("reuse", None)
    with variable_scope(scope, "Stack", [inputs], reuse=reuse):
        title = scope or _title(layer, "stack")
        y = convert(inputs)
        for k, given in enumerate(stack_args):
            args = given if isinstance(given, list | tuple) else [given]
            y = layer(y, *args, **{**kwargs, "scope": f"{title}_{k + 1}"})
        return y


@add_arg_scope
def repeat(inputs: Any, repetitions: int, layer: Callable, *args: Any, **kwargs: Any) -> Tensor:
    """A layer several times, one on the other, each time with the same arguments."""
    scope = kwargs.pop("scope", None)
    with variable_scope(scope, "Repeat", [inputs]):
        title = scope or _title(layer, "repeat")
        y = convert(inputs)
        for k in range(repetitions):
            y = layer(y, *args, **{**kwargs, "scope": f"{title}_{k + 1}"})
        return y


def _title(layer: Callable, default: str) -> str:
    inner = layer.func if isinstance(layer, partial) else layer
    return getattr(inner, "__name__", default)
