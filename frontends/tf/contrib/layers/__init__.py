"""``tf.contrib.layers``: layers as functions with their variables, regularizers, initializers."""

from __future__ import annotations

from typing import Any

from frontends.tf.contrib.initializers import (
    variance_scaling_initializer,
    xavier_initializer,
    xavier_initializer_conv2d,
)
from frontends.tf.contrib.layers.connected import (
    elu,
    fully_connected,
    legacy_fully_connected,
    legacy_linear,
    legacy_relu,
    linear,
    relu,
    relu6,
    repeat,
    stack,
)
from frontends.tf.contrib.layers.encoding import (
    bow_encoder,
    embed_sequence,
    embedding_lookup_unique,
    one_hot_encoding,
)
from frontends.tf.contrib.layers.normalized import (
    batch_norm,
    group_norm,
    instance_norm,
    layer_norm,
)
from frontends.tf.contrib.layers.plain import (
    bias_add,
    dropout,
    flatten,
    maxout,
    poincare_normalize,
    scale_gradient,
    softmax,
    unit_norm,
)
from frontends.tf.contrib.layers.pooled import (
    avg_pool2d,
    avg_pool3d,
    max_pool2d,
    max_pool3d,
    pool,
)
from frontends.tf.contrib.layers.summaries import (
    summarize_activation,
    summarize_activations,
    summarize_collection,
    summarize_tensor,
    summarize_tensors,
    summarize_variables,
)
from frontends.tf.variables.regularizers import (
    apply_regularization,
    l1_l2_regularizer,
    l1_regularizer,
    l2_regularizer,
    sum_regularizer,
)

__all__ = [
    "apply_regularization", "avg_pool2d", "avg_pool3d", "batch_norm", "bias_add", "bow_encoder",
    "dropout", "elu", "embed_sequence", "embedding_lookup_unique", "flatten", "fully_connected",
    "group_norm", "instance_norm", "l1_l2_regularizer", "l1_regularizer", "l2_regularizer",
    "layer_norm", "legacy_fully_connected", "legacy_linear", "legacy_relu", "linear",
    "max_pool2d", "max_pool3d", "maxout", "one_hot_encoding", "poincare_normalize", "pool",
    "relu", "relu6", "repeat", "scale_gradient", "softmax", "stack", "sum_regularizer",
    "summarize_activation", "summarize_activations", "summarize_collection", "summarize_tensor",
    "summarize_tensors", "summarize_variables", "unit_norm", "variance_scaling_initializer",
    "xavier_initializer", "xavier_initializer_conv2d",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    from frontends.tf.names.missing import elsewhere

    return elsewhere("contrib.layers", name, lambda: __all__)
