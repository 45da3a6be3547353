"""``slim.learning``: the operation that trains in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from frontends.tf.contrib import training
from frontends.tf.contrib.training import THE_GRAPHS, Pairs
from frontends.tf.train.optimizer import Optimizer
from graphc.ir.graph import Tensor


def create_train_op(
    total_loss: Any,
    optimizer: Optimizer,
    global_step: Any = THE_GRAPHS,
    update_ops: Sequence[Any] | None = None,
    variables_to_train: Sequence[Any] | None = None,
    clip_gradient_norm: float = 0,
    summarize_gradients: bool = False,
    gate_gradients: int = Optimizer.GATE_OP,
    aggregation_method: Any = None,
    colocate_gradients_with_ops: bool = False,
    gradient_multipliers: Mapping[Any, Any] | None = None,
    check_numerics: bool = True,
) -> Tensor:
    """A tensor that, when it is computed, takes a step; its value is the loss.

    ``gradient_multipliers`` ({variable or its name: factor}) and ``clip_gradient_norm`` (0: do not)
    change the gradients; the rest is as in ``tf.contrib.training.create_train_op``.

    >>> train_op = slim.learning.create_train_op(loss, tf.train.AdamOptimizer(1e-3))
    """

    def changed(pairs: Pairs) -> Pairs:
        if gradient_multipliers:
            pairs = training.multiply_gradients(pairs, gradient_multipliers)
        if clip_gradient_norm > 0:
            pairs = training.clip_gradient_norms(pairs, clip_gradient_norm)
        return pairs

    return training.create_train_op(
        total_loss, optimizer, global_step, update_ops, variables_to_train, changed,
        summarize_gradients, gate_gradients, aggregation_method, colocate_gradients_with_ops,
        check_numerics,
    )  # fmt: skip
