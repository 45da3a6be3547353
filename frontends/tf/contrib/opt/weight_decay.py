"""Weight decay apart from the gradient: Loshchilov and Hutter, "Decoupled weight decay
regularization" (2019)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from frontends.tf.graph.indexed_slices import IndexedSlices
from frontends.tf.graph.tensor import builder
from frontends.tf.train.optimizer import Optimizer
from frontends.tf.train.optimizers import AdamOptimizer, MomentumOptimizer
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Node, Tensor


class DecoupledWeightDecayExtension:
    """Makes an optimizer first set ``w = w - weight_decay * w``; to be inherited from before it.

    ``decay_var_list`` of ``minimize`` and ``apply_gradients`` says which variables decay (None:
    all).  Of a variable with a gradient of rows these rows decay.

    >>> class AdagradW(tf.contrib.opt.DecoupledWeightDecayExtension, tf.train.AdagradOptimizer):
    ...     def __init__(self, weight_decay, *args, **kwargs):
    ...         super().__init__(weight_decay, *args, **kwargs)
    """

    def __init__(self, weight_decay: Any, *args: Any, **kwargs: Any) -> None:
        self._weight_decay = weight_decay
        self._decayed: set[Tensor | None] | None = None
        super().__init__(*args, **kwargs)

    def minimize(
        self,
        loss: Any,
        global_step: Any = None,
        var_list: Sequence[Any] | None = None,
        gate_gradients: int = Optimizer.GATE_OP,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: Any = None,
        decay_var_list: Sequence[Any] | None = None,
    ) -> Node:
        self._choose(decay_var_list)
        return super().minimize(  # type: ignore[misc]
            loss, global_step, var_list, gate_gradients, aggregation_method,
            colocate_gradients_with_ops, name, grad_loss,
        )  # fmt: skip

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Any, Any]],
        global_step: Any = None,
        name: str | None = None,
        decay_var_list: Sequence[Any] | None = None,
    ) -> Node:
        if decay_var_list is not None:
            self._choose(decay_var_list)
        return super().apply_gradients(grads_and_vars, global_step, name)  # type: ignore[misc]

    def _choose(self, variables: Sequence[Any] | None) -> None:
        self._decayed = None if variables is None else {as_tensor(v) for v in variables}

    def _updates(self: Any, grad: Any, var: Any) -> list[Any]:
        w = as_tensor(var)
        if self._decayed is not None and w not in self._decayed:
            return super()._updates(grad, var)  # type: ignore[misc]
        b = builder(w)
        share = self._number(self._weight_decay, w)
        if isinstance(grad, IndexedSlices):
            _, places = self._combined(grad, w)
            lost = b.mul(b.rows_at(w, places), share)
            decay = b.write_rows(w, places, lost, how="sub")
        else:
            decay = b.assign_sub(w, b.mul(w, share))
        with w.graph.control_dependencies([decay]):
            return [decay, *super()._updates(grad, var)]  # type: ignore[misc]


def extend_with_decoupled_weight_decay(base_optimizer: type[Optimizer]) -> type:
    """The optimizer class with weight decay: its first argument is ``weight_decay``, the others
    are those of ``base_optimizer``.

    >>> AdagradW = tf.contrib.opt.extend_with_decoupled_weight_decay(tf.train.AdagradOptimizer)
    >>> train_op = AdagradW(weight_decay=1e-4, learning_rate=0.1).minimize(loss)
    """

    class OptimizerWithDecoupledWeightDecay(DecoupledWeightDecayExtension, base_optimizer):  # type: ignore[misc, valid-type]
        """An optimizer that lets weights decay apart from the gradient."""

        def __init__(self, weight_decay: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(weight_decay, *args, **kwargs)

    return OptimizerWithDecoupledWeightDecay


class MomentumWOptimizer(DecoupledWeightDecayExtension, MomentumOptimizer):
    """Momentum with decoupled weight decay."""

    def __init__(
        self,
        weight_decay: Any,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "MomentumW",
        use_nesterov: bool = False,
    ) -> None:
        super().__init__(weight_decay, learning_rate, momentum, use_locking, name, use_nesterov)


class AdamWOptimizer(DecoupledWeightDecayExtension, AdamOptimizer):
    """Adam with decoupled weight decay."""

    def __init__(
        self,
        weight_decay: Any,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "AdamW",
    ) -> None:
        super().__init__(weight_decay, learning_rate, beta1, beta2, epsilon, use_locking, name)
