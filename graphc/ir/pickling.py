"""Graphs as plain data: what ``pickle`` and ``copy`` of a Graph go through.

Nodes become rows that name each other by position, so the depth of a graph does not matter.  What
is kept: ops, operands, control dependencies, names, types, lines of the user's program (file and
number), devices, forward links, seed, and the collections.  In a collection a tensor or node
becomes its position; an object with ``to_graph_state() -> (function, arguments)`` is rebuilt by
calling the function with its arguments, which may hold tensors and nodes; anything else is kept
when it pickles and dropped when it does not.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from typing import Any

from graphc.errors import GraphError
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.text import holds_object

_PLAIN = ("title", "finalized", "seed", "_names", "_dim_names")


def graph_state(graph: Graph) -> dict[str, Any]:
    """The graph as data that pickles; refuses, by name, a node that holds a Python function."""
    fed = [t.node for t in graph.inputs]
    nodes = list(dict.fromkeys([*graph.nodes, *fed]))
    position = {node: k for k, node in enumerate(nodes)}
    encode = _Encoder(position).value
    return {
        "plain": {key: getattr(graph, key) for key in _PLAIN},
        "rows": [_row(node, position) for node in nodes],
        "count": len(graph.nodes),
        "roots": tuple(encode(part) for part in (graph.inputs, graph.outputs, graph.targets)),
        "collections": [
            (key, [encode(v) for v in values if _survives(v)])
            for key, values in graph.collections.items()
        ],
    }


def restore_graph(graph: Graph, state: dict[str, Any]) -> None:
    """Fill a blank graph from :func:`graph_state`'s data."""
    Graph.__init__(graph)
    nodes: list[Node] = []
    for row in state["rows"]:
        op, operands, control, name, types, sites, device, _, checks = row
        nodes.append(
            Node(
                graph, op, tuple(nodes[k].outputs[i] for k, i in operands),
                tuple(nodes[k] for k in control), name, types, sites, device, None, checks,
            )
        )  # fmt: skip
    for node, row in zip(nodes, state["rows"], strict=True):
        forward = row[-2]
        node.forward = None if forward is None else nodes[forward]
    for key, value in state["plain"].items():
        setattr(graph, key, value)
    graph.nodes = nodes[: state["count"]]
    graph.by_name = {node.name: node for node in graph.nodes}
    decode = _Decoder(nodes).value
    graph.inputs, graph.outputs, graph.targets = (decode(part) for part in state["roots"])
    graph.lock = threading.RLock()
    for key, values in state["collections"]:
        graph.collections[key] = [decode(value) for value in values]


def _row(node: Node, position: dict[Node, int]) -> tuple:
    if holds_object(node.op):
        raise GraphError(
            "it holds a Python function, which cannot be pickled with the graph",
            subject=f"{node.op.name} {node.name!r}",
            site=node.site,
            hint="build the graph again in the other process",
        )
    return (
        node.op,
        tuple((position[t.node], t.index) for t in node.operands),
        tuple(position[c] for c in node.control),
        node.name,
        tuple(t.type for t in node.outputs),
        node.sites,
        node.device,
        position.get(node.forward) if node.forward is not None else None,
        node.checks,
    )


class _Marker(tuple):
    """("tensor", node, output), ("node", node) or ("call", function, arguments)."""

    __slots__ = ()


class _Encoder:
    def __init__(self, position: dict[Node, int]) -> None:
        self.position = position

    def value(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return _Marker(("tensor", self.position[value.node], value.index))
        if isinstance(value, Node):
            return _Marker(("node", self.position[value]))
        if hasattr(value, "to_graph_state"):
            function, arguments = value.to_graph_state()
            return _Marker(("call", function, tuple(map(self.value, arguments))))
        if isinstance(value, list | tuple):
            return type(value)(map(self.value, value))
        return value


class _Decoder:
    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes

    def value(self, value: Any) -> Any:
        if isinstance(value, _Marker):
            return self.marked(*value)
        if isinstance(value, list | tuple):
            return type(value)(map(self.value, value))
        return value

    def marked(self, what: str, which: Any, *rest: Any) -> Any:
        if what == "tensor":
            return self.nodes[which].outputs[rest[0]]
        if what == "node":
            return self.nodes[which]
        function: Callable = which
        return function(*map(self.value, rest[0]))


def _survives(value: Any) -> bool:
    if isinstance(value, Tensor | Node) or hasattr(value, "to_graph_state"):
        return True
    if isinstance(value, list | tuple):
        return all(map(_survives, value))
    try:
        pickle.dumps(value)
    except Exception:  # whatever a user's object raises, it does not pickle
        return False
    return True
