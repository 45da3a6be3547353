"""The weighted cross entropy of sequences given as lists, and one model at several lengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from frontends.tf.functions.math import add_n, reduce_sum
from frontends.tf.graph.building import name_scope
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.networks.nn import sparse_softmax_cross_entropy_with_logits
from frontends.tf.variables.scopes import get_variable_scope, variable_scope
from graphc.ir.graph import Tensor


def sequence_loss_by_example(
    logits: Sequence[Any],
    targets: Sequence[Any],
    weights: Sequence[Any],
    average_across_timesteps: bool = True,
    softmax_loss_function: Callable | None = None,
    name: str | None = None,
) -> Tensor:
    """The weighted cross entropies of each row's sequence, ``[batch]``: their sum over the turns,
    divided by the sum of the weights if ``average_across_timesteps``.

    Lists with an entry for each turn: logits ``[batch, classes]``, targets int ``[batch]``, weights
    ``[batch]``.
    """
    if len(targets) != len(logits) or len(weights) != len(logits):
        raise ValueError(
            "Lengths of logits, weights, and targets must be the same "
            f"{len(logits)}, {len(weights)}, {len(targets)}."
        )
    with name_scope(name, "sequence_loss_by_example", [*logits, *targets, *weights]):
        losses = []
        for logit, target, weight in zip(logits, targets, weights, strict=True):
            labels = convert(target)
            if softmax_loss_function is None:
                labels = builder(labels).reshape(labels, shape=(-1,))
                loss = sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logit)
            else:
                loss = softmax_loss_function(labels=labels, logits=logit)
            losses.append(loss * weight)
        total = add_n(losses)
        if not average_across_timesteps:
            return total
        return total / (add_n([convert(w, like=total) for w in weights]) + 1e-12)


def sequence_loss(
    logits: Sequence[Any],
    targets: Sequence[Any],
    weights: Sequence[Any],
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
    softmax_loss_function: Callable | None = None,
    name: str | None = None,
) -> Tensor:
    """:func:`sequence_loss_by_example`, summed over the batch, or averaged."""
    with name_scope(name, "sequence_loss", [*logits, *targets, *weights]):
        each = sequence_loss_by_example(
            logits, targets, weights, average_across_timesteps, softmax_loss_function
        )
        cost = reduce_sum(each)
        if not average_across_batch:
            return cost
        b, first = builder(cost), convert(targets[0])
        return cost / b.dim_value(dim=first.type.dims[0], dtype=cost.dtype)


def model_with_buckets(
    encoder_inputs: Sequence[Any],
    decoder_inputs: Sequence[Any],
    targets: Sequence[Any],
    weights: Sequence[Any],
    buckets: Sequence[tuple[int, int]],
    seq2seq: Callable[[list[Any], list[Any]], tuple[list[Any], Any]],
    softmax_loss_function: Callable | None = None,
    per_example_loss: bool = False,
    name: str | None = None,
) -> tuple[list[list[Any]], list[Tensor]]:
    """One model at the lengths of each bucket (encoder, decoder), with shared variables: for each
    bucket the outputs of ``seq2seq(encoder_inputs, decoder_inputs)``, and the loss (of each row if
    ``per_example_loss``)."""
    longest = buckets[-1]
    for label, given, wanted in (
        ("encoder_inputs", encoder_inputs, longest[0]), ("targets", targets, longest[1]),
        ("weights", weights, longest[1]),
    ):  # fmt: skip
        if len(given) < wanted:
            raise ValueError(
                f"Length of {label} ({len(given)}) must be at least that of last bucket ({wanted})."
            )
    loss_of = sequence_loss_by_example if per_example_loss else sequence_loss
    outputs, losses = [], []
    with name_scope(name, "model_with_buckets", [*encoder_inputs, *decoder_inputs, *targets]):
        for k, (read, said) in enumerate(buckets):
            with variable_scope(get_variable_scope(), reuse=True if k else None):
                made, _ = seq2seq(list(encoder_inputs[:read]), list(decoder_inputs[:said]))
                outputs.append(made)
                losses.append(
                    loss_of(
                        made, targets[:said], weights[:said],
                        softmax_loss_function=softmax_loss_function,
                    )
                )  # fmt: skip
    return outputs, losses
