"""``tf.contrib.seq2seq.sequence_loss``: the weighted cross entropy of sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontends.tf.functions.math import count_nonzero, reduce_sum
from frontends.tf.graph.building import name_scope
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.networks.nn import sparse_softmax_cross_entropy_with_logits
from graphc.ir.graph import Tensor


def sequence_loss(
    logits: Any,
    targets: Any,
    weights: Any,
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
    sum_over_timesteps: bool = False,
    sum_over_batch: bool = False,
    softmax_loss_function: Callable | None = None,
    name: str | None = None,
) -> Tensor:
    """The cross entropy of logits ``[batch, time, classes]`` and targets, int ``[batch, time]``,
    weighted by weights ``[batch, time]`` and averaged over the axes that are averaged across.

    An average is over the weights; a sum, by TF1's rule, is divided by the number of weights that
    are not 0.  Without either, an axis stays.  ``softmax_loss_function(labels=, logits=)`` takes
    the place of the cross entropy (a sampled one, say).
    """
    logits, targets, weights = convert(logits), convert(targets), convert(weights)
    for label, tensor, rank, said in (
        ("Logits", logits, 3, "[batch_size x sequence_length x logits]"),
        ("Targets", targets, 2, "[batch_size x sequence_length]"),
        ("Weights", weights, 2, "[batch_size x sequence_length]"),
    ):
        if tensor.type.rank != rank:
            raise ValueError(f"{label} must be a {said} tensor, got {tensor.type}")
    if average_across_timesteps and sum_over_timesteps:
        raise ValueError(
            "average_across_timesteps and sum_over_timesteps cannot be set to True at same time."
        )
    if average_across_batch and sum_over_batch:
        raise ValueError(
            "average_across_batch and sum_over_batch cannot be set to True at same time."
        )
    with name_scope(name, "sequence_loss", [logits, targets, weights]):
        b = builder(logits)
        batch, time, classes = logits.type.dims
        loss_of = softmax_loss_function or sparse_softmax_cross_entropy_with_logits
        flat = loss_of(
            labels=b.reshape(targets, shape=(-1,)), logits=b.reshape(logits, shape=(-1, classes))
        )
        losses = b.mul(b.reshape(flat, shape=(batch, time)), weights)
        over_time = average_across_timesteps or sum_over_timesteps
        over_batch = average_across_batch or sum_over_batch
        axes = [k for k, wanted in enumerate((over_batch, over_time)) if wanted]
        if not axes:
            return losses
        summed = (sum_over_timesteps or not over_time) and (sum_over_batch or not over_batch)
        if summed:
            total = b.cast(count_nonzero(weights, axis=axes), dtype=losses.dtype)
        else:
            total = reduce_sum(weights, axis=axes)
        return b.div_no_nan(reduce_sum(losses, axis=axes), total)
