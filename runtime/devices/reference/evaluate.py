"""Evaluating a graph by the NumPy meaning of its ops: the oracle of every other device.

Each node's type is inferred again from the arrays it gets, so shapes that do not meet raise as they
would at build time, and what the reference returns is held against the type rule.

State is passed in: ``variables`` by key, ``random`` by the path of the random state.  A pure read
of a variable sees its value at the start of the run, a read that depends on a write the value
written, a read-modify-write the latest one.  Writes reach ``variables`` only when the whole run
succeeded.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np

from graphc.errors import FailedPreconditionError, FeedError, InternalError
from graphc.ir.dims import Expr, symbols
from graphc.ir.dtype import as_dtype
from graphc.ir.graph import Graph, Node, Tensor, infer, type_error
from graphc.ir.op import Op
from graphc.ir.types import Mismatch, TensorType
from graphc.ops.running.precision import reference_values
from runtime.blame import name_failure
from runtime.devices.reference.sizes import Sizes
from runtime.feeds import as_feed


def evaluate(
    graph: Graph,
    feeds: Mapping[Tensor | str, Any] | None = None,
    fetches: Sequence[Tensor] | None = None,
    *,
    variables: MutableMapping[str, np.ndarray] | None = None,
    random: Mapping[str, np.ndarray] | None = None,
    targets: Iterable[Node] | None = None,
    sequenced: bool = False,
) -> tuple[np.ndarray, ...]:
    """The values of ``fetches`` (default: the graph's outputs), after running ``targets``.

    ``sequenced``: the graph has been through *sequence-effects*, so that whoever sees a write reads
    its output, and a read of the variable itself is of its value at the start.

    y, = evaluate(graph, {x: [1, 2, 3]}, [y])
    """
    fetches = graph.outputs if fetches is None else tuple(fetches)
    targets = graph.targets if targets is None else tuple(targets)
    run = _Run(graph, {} if variables is None else variables, random or {})
    run.sequenced = sequenced
    run.feed(feeds or {})
    for node in schedule(
        graph, [*(t.node for t in fetches if t not in run.values), *targets], run.values
    ):
        run.step(node)
    run.commit()
    return tuple(run.value(t) for t in fetches)


class _Run:
    """The arrays of one evaluation."""

    def __init__(
        self,
        graph: Graph,
        variables: MutableMapping[str, np.ndarray],
        random: Mapping[str, np.ndarray],
    ) -> None:
        self.graph = graph
        self.variables = variables
        self.random = random
        self.sequenced = False
        self.values: dict[Tensor, np.ndarray] = {}
        self.sizes = Sizes()
        self.written: dict[str, np.ndarray] = {}
        self.writes: dict[Node, tuple[str, np.ndarray]] = {}
        # Per node, the last write of each variable it depends on.
        self.seen_writes: dict[Node, dict[str, Node]] = {}

    def feed(self, feeds: Mapping[Tensor | str, Any]) -> None:
        for key, value in feeds.items():
            tensor = self.graph.get_tensor_by_name(key) if isinstance(key, str) else key
            array = as_feed(tensor, value)
            self.sizes.bind_feed(tensor, array.shape)
            self.values[tensor] = array

    def commit(self) -> None:
        """Hand the variables over; each value is its own array, whatever it was computed from."""
        for key, value in self.written.items():
            self.variables[key] = np.array(value)

    def step(self, node: Node) -> None:
        """Evaluate one node; its operands have been."""
        op: Any = node.op.substitute(self.sizes.values)
        self._note_writes(node)
        if op.name == "variable" and op.key not in self.variables:
            return  # complains when it is read: an assignment is how it comes to be
        outputs = self._source(node, op) if op.source else self._apply(node, op)
        for tensor, array in zip(node.outputs, outputs, strict=True):
            self.values.setdefault(tensor, array)
            self.sizes.learn(_of_rank(tensor.type.shape, array.ndim), array.shape, tensor.name)
        if hasattr(node.op, "binds"):
            self.sizes.values |= node.op.binds(outputs[0])
        if op.writes is not None:
            key = variable_key(node.operands[op.writes])
            self.written[key] = outputs[0]
            self.writes[node] = (key, outputs[0])
            self.seen_writes[node] = {**self.seen_writes[node], key: node}

    def _source(self, node: Node, op: Any) -> tuple[np.ndarray, ...]:
        if op.name == "variable":
            return (np.array(self.variables[op.key]),)  # its memory changes when the run commits
        if op.name == "placeholder":
            if node.outputs[0] in self.values:  # fed, and only waited for
                return (self.values[node.outputs[0]],)
            raise FeedError(
                "the placeholder was not fed", subject=f"{node.name}:0", site=node.site,
                hint=f"feed it: feed_dict={{{node.name!r}: ...}}",
            )  # fmt: skip
        if op.name == "random_state":
            if op.path not in self.random:
                raise LookupError(f"no random state was given for {op.path!r}")
            return (np.asarray(self.random[op.path], np.uint64),)
        return reference_values(op, (), (), [t.type for t in node.outputs])

    def _apply(self, node: Node, op: Op) -> tuple[np.ndarray, ...]:
        arrays = [self._operand(node, k) for k in range(len(node.operands))]
        given = [TensorType(t.dtype, a.shape) for t, a in zip(node.operands, arrays, strict=True)]
        try:
            types, _ = infer(op, given)
        except Mismatch as mismatch:
            raise type_error(
                op, mismatch, node.operands, node.name, node.site, running=True
            ) from None
        try:
            outputs = reference_values(op, arrays, given, types)
        except Exception as error:
            name_failure(error, op, node.name, node.site)
            raise
        for array, type in zip(outputs, types, strict=True):
            if array.dtype != type.dtype.numpy or not _fits(array.shape, type.shape):
                raise InternalError(
                    f"bug in graphc: the type rule says {type}, the reference gave "
                    f"{as_dtype(array.dtype)}{list(array.shape)}",
                    subject=f"{op.name} {node.name!r}",
                    site=node.site,
                )
        return outputs

    def _operand(self, node: Node, port: int) -> np.ndarray:
        operand = node.operands[port]
        if operand.node.op.name != "variable":
            return self.values[operand]
        key = variable_key(operand)
        if (node.op.writes == port or node.op.name == "latest") and key in self.written:
            return self.written[key]
        write = None if self.sequenced else self.seen_writes[node].get(key)
        if write is not None:
            return self.writes[write][1]
        if node.op.writes == port and node.op.name == "assign" and operand not in self.values:
            return np.zeros_like(self._operand(node, 1))
        return self.value(operand)

    def value(self, tensor: Tensor) -> np.ndarray:
        if tensor not in self.values:
            raise FailedPreconditionError(
                f"variable {variable_key(tensor)!r} is not initialised",
                subject=tensor.node.name,
                site=tensor.node.site,
                hint="run tf.global_variables_initializer() first",
            )
        return self.values[tensor]

    def _note_writes(self, node: Node) -> None:
        """Which writes ``node`` depends on; of two of one variable, the later."""
        found: dict[str, Node] = {}
        order = {write: k for k, write in enumerate(self.writes)}
        for before in (*(t.node for t in node.operands), *node.control):
            for key, write in self.seen_writes.get(before, {}).items():
                if key not in found or order[write] > order[found[key]]:
                    found[key] = write
        self.seen_writes[node] = found


def variable_key(tensor: Tensor) -> str:
    """The key of the variable that ``tensor`` reads, or that the effects before it wrote."""
    while tensor.node.op.writes is not None:
        tensor = tensor.node.operands[tensor.node.op.writes]
    if tensor.node.op.name != "variable":
        raise AssertionError(f"bug in graphc: {tensor.name} is written and is not a variable")
    return tensor.node.op.key


def schedule(graph: Graph, roots: Iterable[Node], known: Mapping[Tensor, Any]) -> list[Node]:
    """The nodes that ``roots`` need, each after what it needs, otherwise in creation order.

    A node needs its operands that are not ``known``, its control dependencies, and whatever binds
    the data-dependent sizes in its attributes.
    """
    binders = size_binders(graph)
    needs: dict[Node, list[Node]] = {}
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node in needs:
            continue
        before = [t.node for t in node.operands if t not in known]
        before += node.control
        before += [binders[s] for s in data_sizes(node.op) if binders.get(s, node) is not node]
        needs[node] = list(dict.fromkeys(before))
        stack += needs[node]
    return _in_order(graph, needs)


def _in_order(graph: Graph, needs: Mapping[Node, list[Node]]) -> list[Node]:
    position = graph.positions()
    readers: dict[Node, list[Node]] = {node: [] for node in needs}
    missing = {node: len(before) for node, before in needs.items()}
    for node, before in needs.items():
        for other in before:
            readers[other].append(node)
    ready = [(position[node], node) for node, count in missing.items() if not count]
    heapq.heapify(ready)
    order: list[Node] = []
    while ready:
        _, node = heapq.heappop(ready)
        order.append(node)
        for reader in readers[node]:
            missing[reader] -= 1
            if not missing[reader]:
                heapq.heappush(ready, (position[reader], reader))
    if len(order) < len(needs):
        stuck = min((n for n in needs if missing[n]), key=position.__getitem__)
        raise InternalError(f"bug in graphc: {stuck.name} depends on itself", site=stuck.site)
    return order


def size_binders(graph: Graph) -> dict[str, Node]:
    """The node whose run determines each data-dependent size: the first that mentions it."""
    found: dict[str, Node] = {}
    for node in graph.nodes:
        sizes = [s for t in node.outputs for d in t.type.shape or () for s in symbols(d) if s.data]
        for name in (*(s.name for s in sizes), *data_sizes(node.op)):
            found.setdefault(name, node)
    return found


def data_sizes(op: Op) -> list[str]:
    """The data-dependent sizes in an op's attributes."""
    found: dict[str, None] = {}
    waiting = [value for _, value in op.values()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, tuple):
            waiting += value
        elif isinstance(value, Expr):
            found |= dict.fromkeys(s.name for s in symbols(value) if s.data)
    return sorted(found)


def _of_rank(shape: Any, rank: int) -> Any:
    """The declared shape, unless it is unknown or (a rank found out at run time) another's."""
    return shape if shape is not None and len(shape) == rank else None


def _fits(actual: tuple[int, ...], inferred: Any) -> bool:
    if inferred is None:
        return True
    return len(actual) == len(inferred) and all(
        not isinstance(d, int) or d == n for d, n in zip(inferred, actual, strict=True)
    )
