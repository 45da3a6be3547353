"""Moving averages of variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frontends.tf.building import GraphKeys, group
from frontends.tf.tensor import builder
from frontends.tf.variables import Variable, moving_average_variables, trainable_variables
from graphc.ir.builder import Builder, as_tensor
from graphc.ir.graph import Node, Tensor


class ExponentialMovingAverage:
    """``shadow = decay * shadow + (1 - decay) * variable`` for each variable.

    ``num_updates`` lowers the decay at the start: min(decay, (1 + n) / (10 + n)).

    >>> average = tf.train.ExponentialMovingAverage(0.999)
    >>> with tf.control_dependencies([train_op]):
    ...     train_op = average.apply()
    """

    def __init__(
        self, decay: float, num_updates: Any = None, zero_debias: bool = False,
        name: str = "ExponentialMovingAverage",
    ) -> None:  # fmt: skip
        if zero_debias:
            raise NotImplementedError("ExponentialMovingAverage(zero_debias=True) is not provided")
        self._decay, self._num_updates, self._name = decay, num_updates, name
        self._shadows: dict[Tensor, Variable] = {}

    @property
    def name(self) -> str:
        return self._name

    def apply(self, var_list: Sequence[Any] | None = None) -> Node:
        """An operation that updates the averages of ``var_list`` (default: the trainable
        variables)."""
        given = list(trainable_variables() if var_list is None else var_list)
        updates = []
        for var in given:
            tensor = as_tensor(var)
            shadow = as_tensor(self._shadow(var, tensor))
            b = builder(tensor)
            with b.home.name_scope(self._name):
                now = b.identity(tensor)
                updates.append(
                    b.assign_sub(shadow, b.mul(b.sub(shadow, now), self._share(b, tensor)))
                )
        return group(*updates, name=self._name)

    def _share(self, b: Builder, tensor: Tensor) -> Any:
        if self._num_updates is None:
            return 1.0 - self._decay
        n = b.cast(as_tensor(self._num_updates) or b.tensor(self._num_updates), dtype=tensor.dtype)
        early = b.truediv(b.add(n, 1.0), b.add(n, 10.0))
        return b.sub(1.0, b.minimum(early, float(self._decay)))

    def _shadow(self, var: Any, tensor: Tensor) -> Variable:
        if tensor not in self._shadows:
            graph = tensor.graph
            initial = var.initialized_value() if isinstance(var, Variable) else None
            if initial is None:
                initial = Builder(graph).full(tensor.type.shape or (), 0, tensor.dtype)
            with graph.name_scope(None), graph.control_dependencies(None):
                self._shadows[tensor] = Variable(
                    initial,
                    trainable=False,
                    name=f"{tensor.node.name}/{self._name}",
                    dtype=tensor.dtype,
                )
            graph.add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, var)
        return self._shadows[tensor]

    def average(self, var: Any) -> Variable | None:
        """The variable that holds the average of ``var``."""
        tensor = as_tensor(var)
        return self._shadows.get(tensor) if tensor is not None else None

    def average_name(self, var: Any) -> str:
        tensor = as_tensor(var)
        if tensor in self._shadows:
            return self._shadows[tensor].op.name
        return f"{tensor.node.name}/{self._name}"

    def variables_to_restore(self, moving_avg_variables: Any = None) -> dict[str, Variable]:
        """By saved name: averages where there are any, plain variables elsewhere."""
        from frontends.tf.variables import global_variables

        averaged = list(
            moving_avg_variables or [*trainable_variables(), *moving_average_variables()]
        )
        names = {self.average_name(v): v for v in averaged}
        held = {id(v) for v in averaged} | {id(s) for s in self._shadows.values()}
        return names | {v.op.name: v for v in global_variables() if id(v) not in held}
