"""``tf.contrib.layers.optimize_loss``: an optimizer by name, and all that goes around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from frontends.tf.contrib.training import multiply_gradients, values_of
from frontends.tf.functions.math import clip_by_global_norm, global_norm
from frontends.tf.functions.random import truncated_normal
from frontends.tf.graph.building import GraphKeys, get_collection
from frontends.tf.graph.indexed_slices import IndexedSlices
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.names.older import with_dependencies
from frontends.tf.summary.operations import histogram, scalar
from frontends.tf.train import optimizers, penalised
from frontends.tf.train.optimizer import Optimizer
from frontends.tf.train.steps import assert_global_step, get_global_step
from frontends.tf.variables.initializers import constant_initializer
from frontends.tf.variables.scopes import variable_scope
from frontends.tf.variables.variable import trainable_variables
from frontends.tf.variables.variable_getting import get_variable
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Tensor

Pairs = list[tuple[Any, Any]]


def _with_momentum(learning_rate: Any) -> Optimizer:
    return optimizers.MomentumOptimizer(learning_rate, momentum=0.9)


OPTIMIZER_CLS_NAMES: dict[str, Callable[..., Optimizer]] = {
    "Adagrad": optimizers.AdagradOptimizer,
    "Adam": optimizers.AdamOptimizer,
    "Ftrl": penalised.FtrlOptimizer,
    "Momentum": _with_momentum,
    "RMSProp": optimizers.RMSPropOptimizer,
    "SGD": optimizers.GradientDescentOptimizer,
}
OPTIMIZER_SUMMARIES = [
    "learning_rate",
    "loss",
    "gradients",
    "gradient_norm",
    "global_gradient_norm",
]


def optimize_loss(
    loss: Any,
    global_step: Any,
    learning_rate: Any,
    optimizer: Any,
    gradient_noise_scale: float | None = None,
    gradient_multipliers: Mapping[Any, Any] | None = None,
    clip_gradients: Any = None,
    learning_rate_decay_fn: Callable | None = None,
    update_ops: Sequence[Any] | None = None,
    variables: Sequence[Any] | None = None,
    name: str | None = None,
    summaries: Sequence[str] | None = None,
    colocate_gradients_with_ops: bool = False,
    increment_global_step: bool = True,
) -> Tensor:
    """A tensor that, when it is computed, takes a step; its value is the loss.

    ``optimizer`` is a name of ``OPTIMIZER_CLS_NAMES``, a class, an instance, or a function of the
    learning rate.  ``learning_rate`` may be None (the optimizer's own), a number (held in the
    variable ``learning_rate``) or a scalar tensor; ``learning_rate_decay_fn(learning_rate,
    global_step)`` lowers it.  ``clip_gradients`` is a global norm, or a function of the
    (gradient, variable) pairs.  ``summaries`` are of ``OPTIMIZER_SUMMARIES``.

    >>> train_op = tf.contrib.layers.optimize_loss(
    ...     loss, tf.train.get_global_step(), learning_rate=0.01, optimizer="Adam",
    ...     clip_gradients=5.0)
    """
    value = convert(loss)
    if value.type.shape not in ((), None):
        raise ValueError(f"the loss must be a scalar, got {value.type}")
    step = get_global_step() if global_step is None else global_step
    if step is not None:
        assert_global_step(step)
    shown = ["loss", "learning_rate", "global_gradient_norm"] if summaries is None else summaries
    for kind in shown:
        if kind not in OPTIMIZER_SUMMARIES:
            raise ValueError(f"summaries should be one of {OPTIMIZER_SUMMARIES}, got {kind}")
    with variable_scope(name, "OptimizeLoss", [value]):
        updates = get_collection(GraphKeys.UPDATE_OPS) if update_ops is None else update_ops
        if updates:
            value = with_dependencies(list(dict.fromkeys(updates)), value)
        rate = _rate(learning_rate, learning_rate_decay_fn, step)
        if rate is not None and "learning_rate" in shown:
            scalar("learning_rate", rate)
        chosen = _chosen(optimizer, rate)
        pairs = chosen.compute_gradients(
            value, trainable_variables() if variables is None else list(variables),
            colocate_gradients_with_ops=colocate_gradients_with_ops,
        )  # fmt: skip
        if gradient_noise_scale is not None:
            pairs = _noisy(pairs, gradient_noise_scale)
        if gradient_multipliers is not None:
            pairs = multiply_gradients(pairs, gradient_multipliers)
        pairs = _clipped(pairs, clip_gradients, shown)
        _summarise(value, pairs, shown)
        applied = chosen.apply_gradients(
            pairs, global_step=step if increment_global_step else None, name="train"
        )
        return with_dependencies([applied], value)


def _rate(given: Any, decay: Callable | None, step: Any) -> Tensor | None:
    """The learning rate as a tensor; None: the optimizer's own."""
    if given is None:
        return None
    rate = as_tensor(given)
    if rate is None:
        if not isinstance(given, float | int):
            raise ValueError(f"Invalid learning_rate {given}")
        if given < 0:
            raise ValueError(f"Invalid learning_rate {given}.")
        made = get_variable(
            "learning_rate", [], trainable=False, initializer=constant_initializer(float(given))
        )
        rate = as_tensor(made)
    elif rate.type.shape not in ((), None):
        raise ValueError(f"Invalid learning_rate {given}: it must be a scalar")
    if decay is None:
        return rate
    if step is None:
        raise ValueError("global_step is required for learning_rate_decay_fn")
    return convert(decay(rate, step))


def _chosen(optimizer: Any, rate: Tensor | None) -> Optimizer:
    if isinstance(optimizer, Optimizer):
        return optimizer
    if isinstance(optimizer, str):
        if optimizer not in OPTIMIZER_CLS_NAMES:
            names = ", ".join(OPTIMIZER_CLS_NAMES)
            raise ValueError(f"Optimizer name should be one of [{names}], you provided {optimizer}")
        if rate is None:
            raise ValueError(f"learning_rate must be given for the optimizer {optimizer!r}")
        return OPTIMIZER_CLS_NAMES[optimizer](learning_rate=rate)
    if isinstance(optimizer, type) and issubclass(optimizer, Optimizer):
        if rate is None:
            raise ValueError(f"learning_rate must be given for the class {optimizer.__name__}")
        return optimizer(learning_rate=rate)  # type: ignore[call-arg]
    made = None
    if callable(optimizer):
        made = optimizer() if rate is None else optimizer(rate)
    if not isinstance(made, Optimizer):
        raise ValueError(
            "Unrecognized optimizer: should be string, subclass of Optimizer, instance of "
            f"Optimizer or function with one argument, got {optimizer}"
        )
    return made


def _noisy(pairs: Pairs, scale: float) -> Pairs:
    """Normal noise on each gradient (Neelakantan et al., 2015)."""
    found: Pairs = []
    for gradient, variable in pairs:
        if gradient is not None:
            values = values_of(gradient)
            b = builder(values)
            noise = truncated_normal(b.shape(values), dtype=values.dtype)
            moved = b.add(values, b.mul(noise, float(scale)))
            rows = isinstance(gradient, IndexedSlices)
            found.append((gradient.with_values(moved) if rows else moved, variable))
        else:
            found.append((None, variable))
    return found


def _clipped(pairs: Pairs, clip: Any, shown: Sequence[str]) -> Pairs:
    whole = "global_gradient_norm" in shown or "gradient_norm" in shown
    if whole:
        scalar("global_norm/gradient_norm", global_norm([g for g, _ in pairs]))
    if clip is None:
        return pairs
    if isinstance(clip, float | int):
        gradients, _ = clip_by_global_norm([g for g, _ in pairs], float(clip))
        pairs = list(zip(gradients, [v for _, v in pairs], strict=True))
    elif callable(clip):
        pairs = list(clip(pairs))
    else:
        raise ValueError(f"Unknown type {type(clip)} for clip_gradients")
    if whole:
        scalar("global_norm/clipped_gradient_norm", global_norm([g for g, _ in pairs]))
    return pairs


def _summarise(loss: Tensor, pairs: Pairs, shown: Sequence[str]) -> None:
    if "loss" in shown:
        scalar("loss", loss)
    for gradient, variable in pairs:
        if gradient is None:
            continue
        values = values_of(gradient)
        if "gradients" in shown:
            histogram(f"gradients/{variable.op.name}", values)
        if "gradient_norm" in shown:
            scalar(f"gradient_norm/{variable.op.name}", global_norm([values]))
