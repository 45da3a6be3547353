"""Graphs as plain data: what ``pickle`` and ``copy`` of a Graph go through.

Nodes become rows that name each other by position, so the depth of a graph does not matter.  What
is kept: ops, operands, control dependencies, names, types, lines of the user's program (file and
number), devices, forward links, seed, and the collections.  What a collection holds (variables,
say) is pickled with its tensors and nodes as positions; values that do not pickle are dropped.
"""

from __future__ import annotations

import io
import pickle
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
    held = {
        key: [v for v in values if _pickled(v, graph, position) is not None]
        for key, values in graph.collections.items()
    }
    return {
        "plain": {key: getattr(graph, key) for key in _PLAIN},
        "rows": [_row(node, position) for node in nodes],
        "count": len(graph.nodes),
        "roots": tuple(_places(part, position) for part in (graph.inputs, graph.outputs)),
        "targets": [position[node] for node in graph.targets],
        # In one piece, so that what two collections share stays shared.
        "collections": _pickled(held, graph, position),
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
    graph.inputs, graph.outputs = (
        tuple(nodes[k].outputs[i] for k, i in places) for places in state["roots"]
    )
    graph.targets = tuple(nodes[k] for k in state["targets"])
    graph.collections = _Unpickler(state["collections"], graph, nodes).load()


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
        _places(node.operands, position),
        tuple(position[c] for c in node.control),
        node.name,
        tuple(t.type for t in node.outputs),
        node.sites,
        node.device,
        position.get(node.forward) if node.forward is not None else None,
        node.checks,
    )


def _places(tensors: tuple[Tensor, ...], position: dict[Node, int]) -> tuple[tuple[int, int], ...]:
    return tuple((position[t.node], t.index) for t in tensors)


def _pickled(value: Any, graph: Graph, position: dict[Node, int]) -> bytes | None:
    """A value with the graph's parts by position; None when it does not pickle."""
    file = io.BytesIO()
    try:
        _Pickler(file, graph, position).dump(value)
    except Exception:  # whatever a user's object raises, it does not pickle
        return None
    return file.getvalue()


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, graph: Graph, position: dict[Node, int]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.graph, self.position = graph, position

    def persistent_id(self, value: Any) -> tuple | None:
        if isinstance(value, Tensor):
            return "tensor", self.position[value.node], value.index
        if isinstance(value, Node):
            return "node", self.position[value]
        return ("graph",) if value is self.graph else None


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, graph: Graph, nodes: list[Node]) -> None:
        super().__init__(io.BytesIO(data))
        self.graph, self.nodes = graph, nodes

    def persistent_load(self, name: tuple) -> Any:
        match name:
            case ("tensor", k, i):
                return self.nodes[k].outputs[i]
            case ("node", k):
                return self.nodes[k]
        return self.graph
