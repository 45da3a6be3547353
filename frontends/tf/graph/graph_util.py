"""``tf.graph_util``: graphs cut to what is needed, and frozen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from frontends.tf.graph_def.importing import import_graph_def
from frontends.tf.platform import logging
from graphc.errors import GraphError
from graphc.ir.source import here
from graphc.protocol import dtype_number, message, tensor_message

__all__ = [
    "convert_variables_to_constants", "extract_sub_graph", "import_graph_def", "must_run_on_cpu",
    "remove_training_nodes", "tensor_shape_from_node_def_name",
]  # fmt: skip

_VARIABLES = ("Variable", "VariableV2", "VarHandleOp")


def _source(text: str) -> str:
    """The node an input names."""
    return text.lstrip("^").partition(":")[0]


def extract_sub_graph(graph_def: Any, dest_nodes: Iterable[str]) -> Any:
    """The part of a ``tf.GraphDef`` that the nodes named need."""
    if not isinstance(graph_def, message("graph", "GraphDef")):
        raise TypeError(f"graph_def must be a graph_pb2.GraphDef proto, got {type(graph_def)}")
    if isinstance(dest_nodes, str):
        raise TypeError("dest_nodes must be an iterable of strings.")
    by_name = {node.name: node for node in graph_def.node}
    wanted, waiting = set(), list(dest_nodes)
    for name in waiting:
        if name not in by_name:
            raise AssertionError(f"{name} is not in graph")
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += [_source(text) for text in by_name[name].input]
    made = message("graph", "GraphDef")()
    made.node.extend(node for node in graph_def.node if node.name in wanted)
    made.library.CopyFrom(graph_def.library)
    made.versions.CopyFrom(graph_def.versions)
    return made


def convert_variables_to_constants(
    sess: Any, input_graph_def: Any, output_node_names: Iterable[str],
    variable_names_whitelist: Any = None, variable_names_blacklist: Any = None,
) -> Any:  # fmt: skip
    """What the nodes named need, with each variable a constant of its value in the session.

    >>> frozen = tf.graph_util.convert_variables_to_constants(
    ...     sess, sess.graph.as_graph_def(), ["softmax"])
    >>> tf.train.write_graph(frozen, "model", "frozen.pb", as_text=False)
    """
    needed = extract_sub_graph(input_graph_def, output_node_names)
    names = [
        node.name
        for node in needed.node
        if node.op in _VARIABLES
        and (variable_names_whitelist is None or node.name in variable_names_whitelist)
        and (variable_names_blacklist is None or node.name not in variable_names_blacklist)
    ]
    values = sess.run([f"{name}:0" for name in names]) if names else []
    held = dict(zip(names, map(np.asarray, values), strict=True))
    made = message("graph", "GraphDef")()
    for node in needed.node:
        if node.name in held:
            made.node.add().CopyFrom(_constant(node, held[node.name], sess))
        elif node.op == "ReadVariableOp" and _source(node.input[0]) in held:
            read = made.node.add(name=node.name, op="Identity", input=node.input)
            read.attr["T"].CopyFrom(node.attr["dtype"])
        else:
            made.node.add().CopyFrom(node)
    made.library.CopyFrom(needed.library)
    made.versions.CopyFrom(needed.versions)
    logging.info("Froze %d variables.", len(names))
    return made


def _constant(node: Any, array: np.ndarray, sess: Any) -> Any:
    dtype = sess.graph.get_tensor_by_name(f"{node.name}:0").dtype
    made = message("node_def", "NodeDef")(name=node.name, op="Const", device=node.device)
    made.attr["dtype"].type = dtype_number(dtype)
    made.attr["value"].tensor.CopyFrom(tensor_message(array, dtype))
    return made


def remove_training_nodes(input_graph: Any, protected_nodes: Iterable[str] | None = None) -> Any:
    """The graph without identities and checks of numbers, which a trained model does without.

    Nodes that order others (control inputs) and ``protected_nodes`` stay.
    """
    protected = set(protected_nodes or ())
    ordering = {
        _source(text) for node in input_graph.node for text in node.input if text.startswith("^")
    }
    passing = {}
    for node in input_graph.node:
        plain = node.op in ("Identity", "CheckNumerics") and node.name not in protected | ordering
        if plain and len(node.input) == 1 and not node.input[0].startswith("^"):
            passing[node.name] = node.input[0]
    made = message("graph", "GraphDef")()
    for node in input_graph.node:
        if node.name in passing:
            continue
        kept = made.node.add()
        kept.CopyFrom(node)
        del kept.input[:]
        for text in node.input:
            while text in passing or text.removesuffix(":0") in passing:
                text = passing[text.removesuffix(":0")]
            kept.input.append(text)
    made.library.CopyFrom(input_graph.library)
    made.versions.CopyFrom(input_graph.versions)
    return made


def must_run_on_cpu(node: Any, pin_variables_on_cpu: bool = False) -> bool:
    """Whether an operation or NodeDef can run on the CPU alone: text does."""
    given = node.node_def if hasattr(node, "node_def") else node
    if pin_variables_on_cpu and given.op in _VARIABLES:
        return True
    string = 7
    return any(given.attr[key].type == string for key in ("dtype", "T") if key in given.attr)


def tensor_shape_from_node_def_name(graph: Any, input_name: str) -> Any:
    """The shape of the tensor an input of a NodeDef names."""
    if input_name.startswith("^"):
        raise GraphError(f"{input_name!r} orders operations and has no shape", site=here())
    name = input_name if ":" in input_name else f"{input_name}:0"
    return graph.get_tensor_by_name(name).shape


def __getattr__(name: str) -> Any:
    from frontends.tf.names.missing import missing

    raise missing("graph_util", name, __all__)
