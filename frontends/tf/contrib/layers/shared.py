"""What the layers of ``tf.contrib.layers`` have in common: where their variables and outputs are
kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontends.tf.contrib.layers.outputs import collect_named_outputs
from frontends.tf.graph.building import GraphKeys
from frontends.tf.names.forwards import forward
from frontends.tf.networks.nn import bias_add
from frontends.tf.variables.initializers import Zeros
from frontends.tf.variables.scopes import get_variable_scope
from frontends.tf.variables.variable_getting import get_variable
from graphc.ir.graph import Tensor

RELU, ZEROS = forward("nn.relu"), Zeros()  # what layers take unless said otherwise


def layer_variable(
    name: str, shape: Any, dtype: Any, variables_collections: Any = None, kind: str | None = None,
    **how: Any,
) -> Any:  # fmt: skip
    """A variable in MODEL_VARIABLES and in ``variables_collections``: keys, or keys by the name of
    the variable (``kind`` where that is another)."""
    more = variables_collections
    if isinstance(more, dict):
        more = more.get(kind or name)
    more = [more] if isinstance(more, str) else list(more or ())
    keys = dict.fromkeys([GraphKeys.GLOBAL_VARIABLES, GraphKeys.MODEL_VARIABLES, *more])
    return get_variable(name, shape, dtype, collections=list(keys), **how)


def finished(
    y: Tensor, channels: int, data_format: str | None, activation_fn: Callable | None,
    normalizer_fn: Callable | None, normalizer_params: dict | None, biases_initializer: Any,
    biases_regularizer: Callable | None, variables_collections: Any, outputs_collections: Any,
    trainable: bool,
) -> Tensor:  # fmt: skip
    """What a layer computed, normalised or with ``biases``, activated and collected."""
    if normalizer_fn is not None:
        y = normalizer_fn(y, **(normalizer_params or {}))
    elif biases_initializer is not None:
        biases = layer_variable(
            "biases", [channels], y.dtype, variables_collections, initializer=biases_initializer,
            regularizer=biases_regularizer, trainable=trainable,
        )  # fmt: skip
        y = bias_add(y, biases, data_format=data_format)
    return collected(y if activation_fn is None else activation_fn(y), outputs_collections)


def collected(output: Tensor, collections: Any, alias: str | None = None) -> Tensor:
    """A layer's output, in its collections under the name ``alias`` (the scope it is made in)."""
    return collect_named_outputs(collections, alias or get_variable_scope().name, output)
