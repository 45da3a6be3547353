"""Moving averages of variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frontends.tf.graph.building import GraphKeys, group
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.train.assigned_averages import assign_moving_average
from frontends.tf.variables.scopes import get_variable_scope
from frontends.tf.variables.variable import (
    Variable,
    global_variables,
    moving_average_variables,
    trainable_variables,
)
from graphc.ir.builder import Builder, as_tensor
from graphc.ir.dtype import float32
from graphc.ir.graph import Node, Tensor


class ExponentialMovingAverage:
    """``shadow = decay * shadow + (1 - decay) * variable`` for each variable.

    ``num_updates`` lowers the decay at the start: min(decay, (1 + n) / (10 + n)).  Averages of
    variables start at the initial value, those of other tensors at zero, and ``zero_debias``
    corrects these for it.

    >>> average = tf.train.ExponentialMovingAverage(0.999)
    >>> with tf.control_dependencies([train_op]):
    ...     train_op = average.apply()
    """

    def __init__(
        self, decay: float, num_updates: Any = None, zero_debias: bool = False,
        name: str = "ExponentialMovingAverage",
    ) -> None:  # fmt: skip
        self._decay, self._num_updates, self._name = decay, num_updates, name
        self._zero_debias = zero_debias
        self._shadows: dict[Tensor, Variable] = {}

    @property
    def name(self) -> str:
        return self._name

    def apply(self, var_list: Sequence[Any] | None = None) -> Node:
        """An operation that updates the averages of ``var_list`` (default: the trainable
        variables)."""
        given = list(trainable_variables() if var_list is None else var_list)
        tensors = [as_tensor(var) for var in given]
        for tensor in tensors:
            if not tensor.dtype.is_floating:
                raise TypeError(
                    f"The variables must be half, float, or double: {tensor.name} is {tensor.dtype}"
                )
        shadows = [self._shadow(*pair) for pair in zip(given, tensors, strict=True)]
        b = builder(*tensors)
        with b.home.name_scope(self._name) as scope:
            decay = self._current_decay(b)
            updates = [
                assign_moving_average(
                    shadow, tensor, decay, self._zero_debias and not isinstance(var, Variable)
                )
                for var, tensor, shadow in zip(given, tensors, shadows, strict=True)
            ]
            return group(*updates, name=scope)

    def _current_decay(self, b: Builder) -> Any:
        """The decay, lowered while there have been few updates."""
        if self._num_updates is None:
            return self._decay
        n = b.cast(convert(self._num_updates), dtype=float32, name="num_updates")
        return b.minimum(b.truediv(b.add(n, 1.0), b.add(n, 10.0)), float(self._decay))

    def _shadow(self, var: Any, tensor: Tensor) -> Variable:
        if tensor not in self._shadows:
            graph = tensor.graph
            if isinstance(var, Variable):
                initial = var.initialized_value()
                graph.add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, var)
            else:
                initial = Builder(graph).full(tensor.type.shape or (), 0, tensor.dtype)
            around = get_variable_scope().name
            with graph.name_scope(None), graph.control_dependencies(None):
                self._shadows[tensor] = Variable(
                    initial,
                    trainable=False,
                    name=f"{around}/{self.average_name(tensor)}"
                    if around
                    else self.average_name(tensor),
                    dtype=tensor.dtype,
                )
        return self._shadows[tensor]

    def average(self, var: Any) -> Variable | None:
        """The variable that holds the average of ``var``."""
        tensor = as_tensor(var)
        return self._shadows.get(tensor) if tensor is not None else None

    def average_name(self, var: Any) -> str:
        """The name the average of ``var`` is saved under, also before :meth:`apply` makes it."""
        tensor = as_tensor(var)
        if tensor in self._shadows:
            return self._shadows[tensor].op.name
        return f"{tensor.node.name}/{self._name}"

    def variables_to_restore(self, moving_avg_variables: Any = None) -> dict[str, Variable]:
        """By saved name: averages where there are any, plain variables elsewhere."""
        averaged = (
            [*trainable_variables(), *moving_average_variables()]
            if moving_avg_variables is None
            else list(moving_avg_variables)
        )
        names = {self.average_name(v): v for v in averaged}
        held = {id(v) for v in averaged}
        others = {v.op.name: v for v in global_variables() if id(v) not in held}
        return others | names
