"""``assign_moving_average``: one step of a moving average, as an operation."""

from __future__ import annotations

from typing import Any

from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.variables.scopes import variable_scope
from frontends.tf.variables.variable import Variable
from frontends.tf.variables.variable_getting import get_variable
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Tensor


def assign_moving_average(
    variable: Any, value: Any, decay: Any, zero_debias: bool = True, name: str | None = None
) -> Tensor:
    """``variable -= (1 - decay) * (variable - value)``; the new value.

    With ``zero_debias`` the variable is taken to have started at zero: it becomes the average kept
    beside it divided by ``1 - decay ** steps``, so that early values are not too small.
    """
    average = as_tensor(variable)
    b = builder(average)
    with b.home.name_scope(name or "AssignMovingAvg") as title:
        now = convert(value, like=average)
        share = b.sub(b.tensor(1.0, dtype=average.dtype), convert(decay, like=average))
        if zero_debias:
            return _without_bias(variable, average, now, share)
        return b.assign_sub(average, b.mul(b.sub(average, now), share), name=title)


def _without_bias(variable: Variable, average: Tensor, now: Tensor, share: Tensor) -> Tensor:
    b = builder(average)
    with variable_scope(variable.op.name, values=[average, now, share]):
        biased = as_tensor(_zeros("biased", average))
        steps = as_tensor(_zeros("local_step", b.tensor(0, dtype=average.dtype)))
    kept = b.assign_sub(biased, b.mul(b.sub(biased, now), share))
    count = b.assign_add(steps, b.tensor(1.0, dtype=steps.dtype))
    left = b.sub(1.0, b.pow(b.sub(1.0, share), count))
    return b.assign_sub(average, b.sub(average, b.truediv(kept, left)))


def weighted_moving_average(
    value: Any, decay: Any, weight: Any, truediv: bool = True, collections: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The moving average of ``value * weight`` over that of ``weight``, each updated by a run."""
    x = convert(value)
    w = convert(weight, like=x)
    b = builder(x, w)
    with variable_scope(name, "WeightedMovingAvg", [x, w, decay]):
        averages = _zeros("value_x_weight", x, collections), _zeros("weight", w, collections)
        total, weights = (
            assign_moving_average(kept, now, decay, zero_debias=False)
            for kept, now in zip(averages, (b.mul(x, w), w), strict=True)
        )
        return b.truediv(total, weights, name=name) if truediv else b.div(total, weights, name=name)


def _zeros(name: str, like: Tensor, collections: Any = None) -> Variable:
    b = builder(like)
    zeros = b.full(tuple(TensorShape(like.type.shape).as_list()), 0, like.dtype)
    return get_variable(name, initializer=zeros, trainable=False, collections=collections)
