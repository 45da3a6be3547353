"""``tf.contrib.layers``: layers as functions with their variables, regularizers, initializers.

Names load on first use (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# module: the public names it owns
_OWNERS = {
    "frontends.tf.contrib.initializers": (
        "variance_scaling_initializer xavier_initializer xavier_initializer_conv2d"
    ),
    "frontends.tf.contrib.layers.connected": (
        "elu fully_connected legacy_fully_connected legacy_linear legacy_relu linear relu relu6 "
        "repeat stack"
    ),
    "frontends.tf.contrib.layers.convolved": (
        "conv1d conv2d conv2d_in_plane conv2d_transpose conv3d conv3d_transpose convolution "
        "convolution1d convolution2d convolution2d_in_plane convolution2d_transpose convolution3d "
        "convolution3d_transpose separable_conv2d separable_convolution2d"
    ),
    "frontends.tf.contrib.layers.encoding": (
        "bow_encoder embed_sequence embedding_lookup_unique one_hot_encoding"
    ),
    "frontends.tf.contrib.layers.normalized": "batch_norm group_norm instance_norm layer_norm",
    "frontends.tf.contrib.layers.plain": (
        "bias_add dropout flatten maxout poincare_normalize scale_gradient softmax unit_norm"
    ),
    "frontends.tf.contrib.layers.pooled": "avg_pool2d avg_pool3d max_pool2d max_pool3d pool",
    "frontends.tf.contrib.layers.rearranged": (
        "images_to_sequence sequence_to_images spatial_softmax"
    ),
    "frontends.tf.contrib.layers.summaries": (
        "summarize_activation summarize_activations summarize_collection summarize_tensor "
        "summarize_tensors summarize_variables"
    ),
    "frontends.tf.variables.regularizers": (
        "apply_regularization l1_l2_regularizer l1_regularizer l2_regularizer sum_regularizer"
    ),
}
_NAMES = {name: owner for owner, names in _OWNERS.items() for name in names.split()}

__all__ = sorted(_NAMES)


def __getattr__(name: str) -> Any:
    if name == "summaries":  # scripts call it by its module
        return import_module(f"{__name__}.summaries")
    if name in _NAMES:
        value = globals()[name] = getattr(import_module(_NAMES[name]), name)
        return value
    from frontends.tf.names.missing import elsewhere

    return elsewhere("contrib.layers", name, __dir__)


def __dir__() -> list[str]:
    return __all__
