"""Mistakes a model runs with: what looks wrong in the part of a graph that a run computes.

A rule reads a :class:`Part` and yields :class:`Finding` rows; it changes nothing, evaluates no
kernel and never fails a run.  A rule is kept only while it is silent on models that are right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from graphc.errors import ModelWarning
from graphc.ir.builder import as_tensor
from graphc.ir.dims import format_shape
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.op import Elementwise, Kind
from graphc.ir.source import Site

SHOWN = 5  # names listed in one finding


@dataclass(frozen=True)
class Finding:
    """One remark: the rule's name, what is so, what to do, and the user's line."""

    rule: str
    fact: str
    hint: str
    site: Site | None = None

    def warning(self) -> ModelWarning:
        return ModelWarning(
            f"{self.fact} [{self.rule}]",
            hint=self.hint,
            site=self.site,
        )


@dataclass(frozen=True)
class Part:
    """What a run computes: ``nodes`` of ``graph``, with the ``values`` fed to some tensors."""

    graph: Graph
    nodes: Sequence[Node]
    values: Mapping[Tensor, Any]

    @cached_property
    def needed(self) -> set[Node]:
        return set(self.nodes)

    @cached_property
    def forward(self) -> list[Node]:
        """The nodes the user made, in creation order, without those of gradients."""
        return [n for n in self.graph.nodes if n.forward is None and n in self.needed]

    @cached_property
    def readers(self) -> dict[Tensor, list[Node]]:
        found: dict[Tensor, list[Node]] = {}
        for node in self.forward:
            for operand in node.operands:
                found.setdefault(operand, []).append(node)
        return found

    @cached_property
    def sizes(self) -> dict[Any, int]:
        """What the fed values say of unknown sizes."""
        found: dict[Any, int] = {}
        for tensor, value in self.values.items():
            shape = np.shape(value) if tensor.type.shape else ()
            if len(shape) == len(tensor.type.shape or ()):
                found.update(zip(tensor.type.shape or (), shape, strict=True))
        return found

    @cached_property
    def trains(self) -> bool:
        """Whether the run changes a trainable variable that is not being initialised."""
        initial = {v.initializer for v in self.trainable.values()}
        return any(
            node.op.writes is not None
            and node.operands[node.op.writes] in self.trainable
            and node not in initial
            for node in self.nodes
        )

    @cached_property
    def trainable(self) -> dict[Tensor, Any]:
        found = {as_tensor(v): v for v in self.graph.get_collection("trainable_variables")}
        return {tensor: v for tensor, v in found.items() if tensor is not None}

    def reduced(self, tensor: Tensor) -> Node | None:
        """The reduction to a scalar that ``tensor`` reaches through element-wise ops alone."""
        waiting, seen = [tensor], {tensor}
        while waiting:
            for node in self.readers.get(waiting.pop(), ()):
                y = node.outputs[0]
                if node.op.name in ("reduce_mean", "reduce_sum") and y.type.rank == 0:
                    return node
                if isinstance(node.op, Elementwise) and y not in seen:
                    seen.add(y)
                    waiting.append(y)
        return None


Rule = Callable[[Part], Iterator[Finding]]


def findings(graph: Graph, nodes: Sequence[Node], values: Mapping[Tensor, Any]) -> list[Finding]:
    """Every rule's findings about the run that computes ``nodes`` with ``values`` fed."""
    part = Part(graph, nodes, values)
    return [finding for rule in RULES for finding in rule(part)]


# --- rules ----------------------------------------------------------------------------------------


def column_against_row(part: Part) -> Iterator[Finding]:
    """(N,) meets (N, 1): a loss over all N * N pairs."""
    for node in part.forward:
        if not isinstance(node.op, Elementwise) or len(node.operands) != 2:
            continue
        for row, column in (node.operands, node.operands[::-1]):
            if _pairs_up(row, column, part) and part.reduced(node.outputs[0]) is not None:
                yield Finding(
                    "column-against-row",
                    f"{node.op.name} of {_shown(row)} and {_shown(column)} gives every pair, "
                    f"{format_shape(node.outputs[0].type.shape)}, and the loss is over all of them",
                    f"give both one shape: tf.squeeze({column.name!r}, axis=1), or "
                    f"tf.reshape({row.name!r}, [-1, 1])",
                    node.site,
                )


def _pairs_up(row: Tensor, column: Tensor, part: Part) -> bool:
    """Whether as many numbers lie in a row as in a column, which was not put up on purpose."""
    if row.type.rank != 1 or column.type.rank != 2 or column.type.dims[1] != 1:
        return False
    if column.node.op.kind is Kind.VIEW and column.node.operands[0].type.rank == 1:
        return False
    n, m = (part.sizes.get(d, d) for d in (row.type.dims[0], column.type.dims[0]))
    return 1 not in (n, m) and (n == m or not (isinstance(n, int) and isinstance(m, int)))


def softmax_twice(part: Part) -> Iterator[Finding]:
    """A cross entropy of logits is given what already went through softmax or sigmoid."""
    for node in part.forward:
        squashing = CROSS_ENTROPIES.get(node.op.name)
        if squashing is None:
            continue
        found = _through_views(node.operands[0])
        if found.op.name == squashing:
            yield Finding(
                "softmax-twice",
                f"{node.op.name} takes logits, and {node.operands[0].name} is a {squashing} "
                f"already{_made(found)}",
                f"pass what went into the {squashing}; keep it for predictions only",
                node.site,
            )


def _through_views(tensor: Tensor) -> Node:
    node = tensor.node
    while node.op.kind is Kind.VIEW or node.op.name == "cast":
        node = node.operands[0].node
    return node


def integer_labels(part: Part) -> Iterator[Finding]:
    """Integer labels become floats for a squared or absolute error against a prediction."""
    for node in part.forward:
        if node.op.name == "squared_difference":
            compared = True
        else:
            compared = node.op.name == "sub" and any(
                reader.op.name in ("square", "abs")
                for reader in part.readers.get(node.outputs[0], ())
            )
        if not compared or part.reduced(node.outputs[0]) is None:
            continue
        for label, prediction in (node.operands, node.operands[::-1]):
            source = _cast_from_integers(label)
            if source is not None and _learned(prediction, part):
                yield Finding(
                    "integer-labels",
                    f"the integers {_shown(source)} are labels of a loss for real numbers",
                    "class numbers want tf.losses.sparse_softmax_cross_entropy; if they are "
                    "quantities, make the placeholder float32",
                    node.site,
                )
                break


def _cast_from_integers(tensor: Tensor) -> Tensor | None:
    node = tensor.node
    while node.op.kind is Kind.VIEW:
        node = node.operands[0].node
    if node.op.name != "cast":
        return None
    source = node.operands[0]
    root = _through_views(source)
    given = root.op.name in ("placeholder", "placeholder_with_default")
    return source if source.dtype.is_integer and given else None


def _learned(tensor: Tensor, part: Part) -> bool:
    """Whether ``tensor`` depends on a trainable variable."""
    waiting, seen = [tensor.node], {tensor.node}
    while waiting:
        node = waiting.pop()
        if any(t in part.trainable for t in node.outputs):
            return True
        for operand in node.operands:
            if operand.node not in seen:
                seen.add(operand.node)
                waiting.append(operand.node)
    return False


def dropout_when_evaluating(part: Part) -> Iterator[Finding]:
    """A run that trains nothing drops activations, in a graph that trains elsewhere."""
    if part.trains or not part.graph.get_collection("train_op"):
        return
    for node in part.forward:
        if node.op.name != "dropout":
            continue
        keep = scalar_value(node.operands[1], part.values)
        if keep is not None and keep < 1 and _used(node.outputs[0], part):
            yield Finding(
                "dropout-when-evaluating",
                f"this run trains nothing, and {node.name} drops {1 - keep:.0%} of its elements",
                "feed a keep probability of 1 when evaluating: "
                "keep_prob = tf.placeholder_with_default(1.0, [])",
                node.site,
            )
            return


def _used(tensor: Tensor, part: Part) -> bool:
    """False where every reader chooses between it and something else, and a flag says the other."""
    readers = part.readers.get(tensor, ())
    for reader in readers:
        if reader.op.name != "where" or tensor in reader.operands[:1]:
            return True
        flag = scalar_value(reader.operands[0], part.values)
        if flag is None or reader.operands[1 if flag else 2] is tensor:
            return True
    return not readers


def unreached_variables(part: Part) -> Iterator[Finding]:
    """Trainable variables that a minimised loss does not depend on, and nothing else updates."""
    if not part.trains:
        return
    initial = {v.initializer for v in part.trainable.values()}
    updated = {
        node.operands[node.op.writes]
        for node in part.graph.nodes
        if node.op.writes is not None and node not in initial
    }
    for loss, variables in part.graph.unreached:
        left = [v for v in variables if v in part.trainable and v not in updated]
        if left:
            names = ", ".join(v.name for v in left[:SHOWN]) + ", ..." * (len(left) > SHOWN)
            yield Finding(
                "unreached-variables",
                f"{loss.name} does not reach {names}: training leaves "
                f"{'it' if len(left) == 1 else 'them'} as initialised",
                f"tf.why_none({loss.name!r}, {left[0].name!r}) says where the gradient stops; "
                "trainable=False says it is meant",
                left[0].node.site,
            )


def updates_not_run(part: Part) -> Iterator[Finding]:
    """Moving averages of batch normalisation that nothing runs."""
    if not part.trains:
        return
    updates = [_operation(u) for u in part.graph.get_collection("update_ops")]
    idle = [u for u in updates if u is not None and u not in part.needed]
    if not idle:
        return
    awaited = _awaited(part.graph.nodes)
    idle = [u for u in idle if u not in awaited]
    if idle:
        names = ", ".join(u.name for u in idle[:2]) + ", ..." * (len(idle) > 2)
        yield Finding(
            "updates-not-run",
            f"this run trains without the update operations ({names}) that batch normalisation "
            "evaluates with",
            "with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)): "
            "train_op = optimizer.minimize(loss)",
            idle[0].site,
        )


def _operation(update: Any) -> Node | None:
    tensor = as_tensor(update)
    return tensor.node if tensor is not None else update if isinstance(update, Node) else None


def _awaited(nodes: Iterable[Node]) -> set[Node]:
    found: set[Node] = set()
    for node in nodes:
        found.update(node.control)
        found.update(operand.node for operand in node.operands)
    return found


# --- values and words -----------------------------------------------------------------------------


def scalar_value(tensor: Tensor, values: Mapping[Tensor, Any]) -> float | None:
    """A scalar as a number where the graph and what is fed tell it."""
    found = _value(tensor, values, 16)
    return float(found) if found is not None and np.ndim(found) == 0 else None


def _value(tensor: Tensor, values: Mapping[Tensor, Any], depth: int) -> Any:
    if tensor in values:
        try:
            return np.asarray(values[tensor], tensor.dtype.numpy)
        except (TypeError, ValueError):
            return None
    op = tensor.node.op
    stateful = op.effect or op.random or op.kind in (Kind.HOST, Kind.EFFECT)
    if depth == 0 or tensor.type.shape != () or stateful or len(tensor.node.outputs) != 1:
        return None
    if op.source and op.name != "const":
        return None
    operands = [_value(t, values, depth - 1) for t in tensor.node.operands]
    return None if any(v is None for v in operands) else op.reference(*operands)


def _shown(tensor: Tensor) -> str:
    return f"{tensor.name} {tensor.type}"


def _made(node: Node) -> str:
    return f" ({node.site.short})" if node.site else ""


CROSS_ENTROPIES = {
    "softmax_cross_entropy_with_logits": "softmax",
    "sparse_softmax_cross_entropy_with_logits": "softmax",
    "sigmoid_cross_entropy_with_logits": "sigmoid",
}

RULES: tuple[Rule, ...] = (
    column_against_row,
    softmax_twice,
    integer_labels,
    dropout_when_evaluating,
    unreached_variables,
    updates_not_run,
)
