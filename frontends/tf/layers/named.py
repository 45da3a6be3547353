"""Activations by name, as Keras has them: ``activation="relu"``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_NAMES = ("relu", "relu6", "elu", "selu", "tanh", "sigmoid", "softmax", "softplus", "softsign",
          "swish", "gelu", "leaky_relu", "log_softmax")  # fmt: skip


def named_activation(activation: Any) -> Callable | None:
    """The function of a name; "linear" and None are no function; others are as they are."""
    if not isinstance(activation, str):
        return activation
    if activation == "linear":
        return None
    if activation not in _NAMES:
        raise ValueError(f"there is no activation {activation!r}; there are {', '.join(_NAMES)}")
    from frontends.tf.networks import nn

    return getattr(nn, activation)
