"""Optimizers around others: what is done to the weights after each step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from frontends.tf.functions.math import clip_by_norm
from frontends.tf.graph.building import group
from frontends.tf.graph.indexed_slices import IndexedSlices
from frontends.tf.graph.tensor import builder
from frontends.tf.train.averages import ExponentialMovingAverage
from frontends.tf.train.optimizer import Optimizer
from frontends.tf.train.wrapped import WrappedOptimizer
from frontends.tf.variables.variable import Variable, global_variables
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Node, Tensor


class MovingAverageOptimizer(WrappedOptimizer):
    """Keeps moving averages of the weights; :meth:`swapping_saver` saves these in their place.

    ``sequential_update`` averages the weights after the step, not while it is made.

    >>> opt = tf.contrib.opt.MovingAverageOptimizer(tf.train.AdamOptimizer(1e-3))
    >>> train_op = opt.minimize(loss)
    >>> saver = opt.swapping_saver()
    """

    def __init__(
        self,
        opt: Optimizer,
        average_decay: float = 0.9999,
        num_updates: Any = None,
        sequential_update: bool = True,
    ) -> None:
        super().__init__(opt, False, opt.get_name())
        self._ema = ExponentialMovingAverage(average_decay, num_updates=num_updates)
        self._sequential = sequential_update
        self._swapped: dict[str, Variable] = {}

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Any, Any]],
        global_step: Any = None,
        name: str | None = None,
    ) -> Node:
        pairs = list(grads_and_vars)
        train = self._opt.apply_gradients(pairs, global_step, name)
        trained = [v for g, v in pairs if g is not None]
        with trained[0].graph.control_dependencies([train] if self._sequential else []):
            averaging = self._ema.apply(trained)
        for var in trained:
            average = self._ema.average(var)
            assert average is not None
            self._swapped |= {var.op.name: average, average.op.name: var}
        return group(train, averaging, name="train_with_avg")

    def swapping_saver(
        self, var_list: Any = None, name: str = "swapping_saver", **kwargs: Any
    ) -> Any:
        """A saver under whose names the averages are saved in place of the weights, and the weights
        in place of the averages."""
        from frontends.tf.train.saver import Saver

        if not self._swapped:
            raise RuntimeError("call minimize or apply_gradients before swapping_saver")
        given = global_variables() if var_list is None else var_list
        by_name = given if isinstance(given, Mapping) else {v.op.name: v for v in given}
        saved = {v.op.name for v in by_name.values()}
        swapped = {}
        for key, var in by_name.items():
            other = self._swapped.get(var.op.name, var)
            if other.op.name not in saved:
                raise ValueError(f"{other.op.name} is to be saved for {key}, but is not listed")
            swapped[key] = other
        return Saver(swapped, name=name, **kwargs)


class VariableClippingOptimizer(WrappedOptimizer):
    """After each step no norm of a variable's slices exceeds ``max_norm``.

    ``vars_to_clip_dims`` maps variables to the axes a norm is taken over: ``{w: [0]}`` bounds the
    columns of ``w``.  Where the gradient is of rows and the norm of each row, these rows alone are
    clipped.

    >>> opt = tf.contrib.opt.VariableClippingOptimizer(opt, {w: [0]}, max_norm=3.0)
    """

    def __init__(
        self,
        opt: Optimizer,
        vars_to_clip_dims: Mapping[Any, Sequence[int]],
        max_norm: Any,
        use_locking: bool = False,
        colocate_clip_ops_with_vars: bool = False,
        name: str = "VariableClipping",
    ) -> None:
        super().__init__(opt, use_locking, name)
        self._axes = {as_tensor(v): list(axes) for v, axes in vars_to_clip_dims.items()}
        self._max_norm = max_norm

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Any, Any]],
        global_step: Any = None,
        name: str | None = None,
    ) -> Node:
        pairs = list(grads_and_vars)
        graph = next(v for _, v in pairs).graph
        with graph.name_scope(name or self._name) as scope:
            step = self._opt.apply_gradients(pairs, global_step)
            clipped = []
            with graph.control_dependencies([step]):
                for grad, var in pairs:
                    axes = self._axes.get(as_tensor(var))
                    if grad is not None and axes is not None:
                        clipped.append(self._clip(as_tensor(var), grad, axes))
            return group(step, *clipped, name=scope)

    def _clip(self, w: Tensor, grad: Any, axes: list[int]) -> Tensor:
        b = builder(w)
        if not isinstance(grad, IndexedSlices) or 0 in axes:
            return b.assign(w, clip_by_norm(w, self._max_norm, axes))
        places = self._checked_rows(grad, w)
        rows = clip_by_norm(b.rows_at(w, places), self._max_norm, axes)
        return b.write_rows(w, places, rows)
