"""Summaries of tensors, activations and variables by the collection they are in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from frontends.tf.graph.building import GraphKeys, get_collection
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.networks.nn import zero_fraction
from frontends.tf.summary import histogram, scalar
from graphc.ir.dtype import float32
from graphc.ir.graph import Tensor


def summarize_tensor(tensor: Any, tag: str | None = None) -> Tensor:
    """A scalar summary of a scalar, a histogram of others."""
    x = convert(tensor)
    title = tag or x.op.name
    return scalar(title, x) if x.type.shape == () else histogram(title, x)


def summarize_activation(op: Any) -> Tensor:
    """A histogram of a layer's output; of a rectified one also the share of zeros, of relu6
    also the share of sixes."""
    x = convert(op)
    kind, b = x.node.op.name, builder(x)
    if kind in ("relu", "softplus", "relu6"):
        scalar(f"{x.op.name}/zeros", zero_fraction(x))
    if kind == "relu6":
        scalar(f"{x.op.name}/sixes", b.reduce_mean(b.cast(b.equal(x, 6), dtype=float32), axis=None))
    return histogram(f"{x.op.name}/activation", x)


def summarize_tensors(
    tensors: Sequence[Any], summarizer: Callable[[Any], Any] = summarize_tensor
) -> list[Any]:
    """The summary of each."""
    return [summarizer(tensor) for tensor in tensors]


def summarize_collection(
    collection: str,
    name_filter: str | None = None,
    summarizer: Callable[[Any], Any] = summarize_tensor,
) -> list[Any]:
    """The summary of each member of a collection whose name matches."""
    return summarize_tensors(get_collection(collection, name_filter), summarizer)


def summarize_variables(
    name_filter: str | None = None, summarizer: Callable[[Any], Any] = summarize_tensor
) -> list[Any]:
    """The summary of each global variable."""
    return summarize_collection(GraphKeys.GLOBAL_VARIABLES, name_filter, summarizer)


def summarize_activations(
    name_filter: str | None = None, summarizer: Callable[[Any], Any] = summarize_activation
) -> list[Any]:
    """The summary of each output in the collection ACTIVATIONS."""
    return summarize_collection(GraphKeys.ACTIVATIONS, name_filter, summarizer)
