"""``tf.contrib.training``: the operation that trains in one call, and changes to gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from frontends.tf.functions.host import check_numerics
from frontends.tf.functions.math import clip_by_norm, global_norm
from frontends.tf.graph.building import GraphKeys, add_to_collection, get_collection, no_op
from frontends.tf.graph.indexed_slices import IndexedSlices
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.names.older import with_dependencies
from frontends.tf.platform import logging
from frontends.tf.summary.operations import histogram, scalar
from frontends.tf.train.optimizer import Optimizer
from frontends.tf.train.steps import get_or_create_global_step
from frontends.tf.variables.variable import trainable_variables
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Tensor

Pairs = list[tuple[Any, Any]]
THE_GRAPHS = 0  # stands for the graph's global step, as in TF1


def __getattr__(name: str) -> Any:
    from frontends.tf.names.missing import elsewhere

    return elsewhere("contrib.training", name)


def values_of(gradient: Any) -> Tensor:
    return gradient.values if isinstance(gradient, IndexedSlices) else convert(gradient)


def clip_gradient_norms(gradients_to_variables: Sequence[tuple[Any, Any]], max_norm: Any) -> Pairs:
    """(gradient, variable) pairs, each gradient scaled down to the norm ``max_norm``."""
    return [
        (gradient if gradient is None else clip_by_norm(gradient, max_norm), variable)
        for gradient, variable in gradients_to_variables
    ]


def clip_gradient_norms_fn(max_norm: Any) -> Callable[[Sequence[tuple[Any, Any]]], Pairs]:
    """The function that clips (gradient, variable) pairs to ``max_norm``."""
    return lambda gradients_to_variables: clip_gradient_norms(gradients_to_variables, max_norm)


def multiply_gradients(
    grads_and_vars: Sequence[tuple[Any, Any]], gradient_multipliers: Mapping[Any, Any]
) -> Pairs:
    """The pairs with gradients multiplied: ``{variable or its name: factor}``."""
    if not gradient_multipliers:
        raise ValueError("gradient_multipliers is empty")
    factors = {_key(variable): factor for variable, factor in gradient_multipliers.items()}
    pairs = []
    for gradient, variable in grads_and_vars:
        factor = factors.get(_key(variable), factors.get(variable.op.name))
        if factor is None:
            pairs.append((gradient, variable))
            continue
        if gradient is None:
            raise ValueError(f"{variable.op.name} has no gradient to multiply")
        values = values_of(gradient)
        scaled = builder(values).mul(values, convert(factor, like=values))
        whole = isinstance(gradient, IndexedSlices)
        pairs.append((gradient.with_values(scaled) if whole else scaled, variable))
    return pairs


def _key(variable: Any) -> Any:
    tensor = as_tensor(variable)
    return variable if tensor is None else tensor


def add_gradients_summaries(grads_and_vars: Sequence[tuple[Any, Any]]) -> list[Tensor]:
    """A histogram and the norm of each gradient, as summaries."""
    made = []
    for gradient, variable in grads_and_vars:
        if gradient is None:
            logging.info("Var %s has no gradient", variable.op.name)
            continue
        values = values_of(gradient)
        made.append(histogram(f"{variable.op.name}_gradient", values))
        made.append(scalar(f"{variable.op.name}_gradient_norm", global_norm([values])))
    return made


def create_train_op(
    total_loss: Any,
    optimizer: Optimizer,
    global_step: Any = THE_GRAPHS,
    update_ops: Sequence[Any] | None = None,
    variables_to_train: Sequence[Any] | None = None,
    transform_grads_fn: Callable | None = None,
    summarize_gradients: bool = False,
    gate_gradients: int = Optimizer.GATE_OP,
    aggregation_method: Any = None,
    colocate_gradients_with_ops: bool = False,
    check_numerics: bool = True,
) -> Tensor:
    """A tensor that, when it is computed, takes a step; its value is the loss.

    ``update_ops`` (default: the graph's ``UPDATE_OPS``) run before the loss is computed.
    ``transform_grads_fn`` changes the (gradient, variable) pairs, as :func:`clip_gradient_norms_fn`
    does.  A loss that is NaN or infinite fails the run unless ``check_numerics`` is False.

    >>> train_op = tf.contrib.training.create_train_op(loss, tf.train.AdamOptimizer(1e-3))
    """
    step = get_or_create_global_step() if global_step is THE_GRAPHS else global_step
    registered = get_collection(GraphKeys.UPDATE_OPS)
    updates = list(dict.fromkeys(registered if update_ops is None else update_ops))
    if not set(registered) <= set(updates):
        logging.warning("update_ops in create_train_op does not contain all the UPDATE_OPS")
    loss = convert(total_loss)
    if updates:
        with loss.graph.control_dependencies(updates):
            barrier = no_op(name="update_barrier")
        loss = with_dependencies([barrier], loss)
    variables = trainable_variables() if variables_to_train is None else list(variables_to_train)
    pairs = optimizer.compute_gradients(
        loss, variables, gate_gradients, aggregation_method, colocate_gradients_with_ops
    )
    if transform_grads_fn is not None:
        pairs = transform_grads_fn(pairs)
    if summarize_gradients:
        with loss.graph.name_scope("summarize_grads"):
            add_gradients_summaries(pairs)
    applied = optimizer.apply_gradients(pairs, step)
    with loss.graph.name_scope("train_op"):
        value = _checked(loss) if check_numerics else loss
        train_op = with_dependencies([applied], value)
    add_to_collection(GraphKeys.TRAIN_OP, train_op)
    return train_op


def _checked(loss: Tensor) -> Tensor:
    return check_numerics(loss, "LossTensor is inf or nan")
