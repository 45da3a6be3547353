"""Gradients of several runs applied as one: what is left of TF1's synchronous training on one
machine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from frontends.tf.graph.building import GraphKeys, group, no_op
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.train.optimizer import Optimizer
from frontends.tf.train.wrapped import WrappedOptimizer
from frontends.tf.variables.variable import (
    Variable,
    global_variables,
    report_uninitialized_variables,
)
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import int64
from graphc.ir.graph import Graph, Node, Tensor


class SyncReplicasOptimizer(WrappedOptimizer):
    """Applies the mean of the gradients of ``replicas_to_aggregate`` runs, at the last of them.

    On one machine the runs come one after the other: the train op adds its gradients up, and each
    ``replicas_to_aggregate``-th run also makes the step and counts the global step.  With 1 it is
    the optimizer inside.  What TF1 kept on other machines (tokens, queues) is accepted and does
    nothing.

    The sums are local variables: run ``tf.local_variables_initializer()`` or ``local_step_init_op``
    before the first step.

    >>> opt = tf.train.SyncReplicasOptimizer(tf.train.AdamOptimizer(1e-3), replicas_to_aggregate=4)
    >>> train_op = opt.minimize(loss, global_step=tf.train.get_or_create_global_step())
    """

    def __init__(
        self,
        opt: Optimizer,
        replicas_to_aggregate: int,
        total_num_replicas: int | None = None,
        variable_averages: Any = None,
        variables_to_average: Any = None,
        use_locking: bool = False,
        name: str = "sync_replicas",
    ) -> None:
        super().__init__(opt, use_locking, name)
        self._needed = replicas_to_aggregate
        self._total = replicas_to_aggregate if total_num_replicas is None else total_num_replicas
        self._averages, self._averaged = variable_averages, variables_to_average
        self._applied = False
        self.local_step_init_op: Node | None = None
        self.chief_init_op: Node | None = None
        self.ready_for_local_init_op: Tensor | None = None

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Any, Any]],
        global_step: Any = None,
        name: str | None = None,
    ) -> Node:
        if global_step is None:
            raise ValueError("SyncReplicasOptimizer needs global_step: it counts the steps made")
        pairs = list(grads_and_vars)
        graph = as_tensor(global_step).graph
        with graph.name_scope(name or self._name) as scope:
            updates: list[Any] = (
                self._every_few_runs(graph, pairs, global_step)
                if self._needed > 1
                else [self._step(graph, pairs, global_step)]
            )
            train = group(*updates, name=scope)
        graph.add_to_collection(GraphKeys.TRAIN_OP, train)
        self._make_initializers()
        return train

    def _local(self, like: Any, name: str) -> Variable:
        """A local variable of zeros."""
        tensor = as_tensor(like)
        local = Variable(
            builder(tensor).full(tensor.type.shape, 0, tensor.dtype), trainable=False, name=name,
            collections=[GraphKeys.LOCAL_VARIABLES],
        )  # fmt: skip
        self._own.append(local)
        return local

    def _step(self, graph: Graph, pairs: list[tuple[Any, Any]], global_step: Any) -> Node:
        """The step of the optimizer inside, then the averages."""
        train = self._opt.apply_gradients(pairs, global_step)
        graph.collections[GraphKeys.TRAIN_OP].remove(train)
        if self._averages is None:
            return train
        with graph.control_dependencies([train]):
            return group(train, self._averages.apply(self._averaged))

    def _every_few_runs(
        self, graph: Graph, pairs: list[tuple[Any, Any]], global_step: Any
    ) -> list[Tensor]:
        """The step's writes with their old values in the runs that only add up."""
        b = builder(as_tensor(global_step))
        live = [(convert(g), v) for g, v in pairs if g is not None]
        if not live:
            raise ValueError(f"no gradients for any variable: {[v.name for _, v in pairs]}")
        with graph.control_dependencies(None):
            count = as_tensor(self._local(b.tensor(0, dtype=int64), "runs"))
            sums = [as_tensor(self._local(v, f"{v.op.name}/sum")) for _, v in live]
        runs = b.add(b.identity(count), 1)
        last = b.equal(runs, self._needed)
        totals = [b.add(total, grad) for total, (grad, _) in zip(sums, live, strict=True)]
        means = [b.truediv(total, float(self._needed)) for total in totals]
        first = len(graph.nodes)
        self._step(graph, [(m, v) for m, (_, v) in zip(means, live, strict=True)], global_step)
        held_to_new = _last_writes(graph, first)
        changed = [
            b.assign(held, b.where(last, value, b.identity(held)))
            for held, value in held_to_new.items()
        ]
        emptied = [
            b.assign(held, b.where(last, b.tensor(0, dtype=held.dtype), value))
            for held, value in zip([*sums, count], [*totals, runs], strict=True)
        ]
        return [*changed, *emptied]

    def _make_initializers(self) -> None:
        ready = [v.initializer for v in self._own]
        self.local_step_init_op = self.chief_init_op = group(*ready, name="local_init")
        self.ready_for_local_init_op = report_uninitialized_variables(global_variables())
        self._applied = True

    def get_chief_queue_runner(self) -> NoQueueRunner:
        """An object that starts no threads."""
        self._check_applied("get_chief_queue_runner")
        return NoQueueRunner("sync_token_q")

    def get_init_tokens_op(self, num_tokens: int = -1) -> Node:
        """An operation that does nothing."""
        self._check_applied("get_init_tokens_op")
        needed = max(self._needed - self._total, 0)
        if num_tokens != -1 and num_tokens < needed:
            raise ValueError(f"{num_tokens} tokens are too few for the first step: {needed}")
        return no_op(name="init_tokens")

    def make_session_run_hook(self, is_chief: bool, num_tokens: int = -1) -> InitialisingHook:
        """A hook that gives the sums their initial values."""
        return InitialisingHook(self)

    def _check_applied(self, what: str) -> None:
        if not self._applied:
            raise ValueError(f"{what}() should be called after apply_gradients()")


def _last_writes(graph: Graph, first: int) -> dict[Tensor, Tensor]:
    """What nodes from the ``first`` on leave in each variable; initial values apart."""
    keys = (GraphKeys.GLOBAL_VARIABLES, GraphKeys.LOCAL_VARIABLES)
    initial = {v.initializer for key in keys for v in graph.collections.get(key, ())}
    found: dict[Tensor, Tensor] = {}
    for node in graph.nodes[first:]:
        if node.op.writes is not None and node not in initial:
            found[node.operands[node.op.writes]] = node.outputs[0]
    return found


class NoQueueRunner:
    """A queue runner of no queue."""

    def __init__(self, name: str) -> None:
        self.name = name

    def create_threads(
        self, sess: Any, coord: Any = None, daemon: bool = False, start: bool = False
    ) -> list:
        return []


class InitialisingHook:
    """Runs the local initial values when a session is made, as a session's hook."""

    def __init__(self, optimizer: SyncReplicasOptimizer) -> None:
        self._optimizer = optimizer

    def begin(self) -> None:
        self._optimizer._check_applied("make_session_run_hook")

    def after_create_session(self, session: Any, coord: Any) -> None:
        session.run(self._optimizer.local_step_init_op)

    def before_run(self, run_context: Any) -> None:
        """Ask for nothing."""

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Take nothing."""

    def end(self, session: Any) -> None:
        """Leave nothing."""
