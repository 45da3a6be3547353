"""A graph as a ``GraphDef``, and files of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from frontends.tf.graph_def.node_defs import write_node
from graphc.errors import GraphError
from graphc.ir.graph import Graph
from graphc.ir.source import here
from graphc.protocol import message, text_of

PRODUCER = 134  # the version of the graph format that is written (TensorFlow 1.15)


def as_graph_def(graph: Graph, from_version: int | None = None, add_shapes: bool = False) -> Any:
    """The graph as a ``tf.GraphDef``: TensorFlow's op types, names, operands and attributes.

    ``from_version`` leaves out the nodes that were there at that ``graph.version``;
    ``add_shapes`` adds ``_output_shapes``.
    """
    made = message("graph", "GraphDef")()
    made.versions.producer = PRODUCER
    taken = set(graph.by_name)
    for node in graph.nodes[from_version or 0 :]:
        if node.op.name != "random_state":  # the session's; what draws carries the seeds
            made.node.extend(write_node(node, taken, add_shapes))
    return made


def write_graph(graph_or_graph_def: Any, logdir: Any, name: str, as_text: bool = True) -> str:
    """Write a graph to ``logdir/name``, as text or binary; returns the path.

    >>> tf.train.write_graph(sess.graph, "/tmp/model", "graph.pbtxt")
    """
    given = graph_or_graph_def
    held = as_graph_def(given) if isinstance(given, Graph) else given
    if not isinstance(held, message("graph", "GraphDef")):
        raise GraphError(
            f"a tf.Graph or tf.GraphDef is needed, got {type(given).__name__}", site=here()
        )
    folder = Path(str(logdir))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    if as_text:
        path.write_text(text_of(held), encoding="utf-8")
    else:
        path.write_bytes(held.SerializeToString(deterministic=True))
    return str(path)
