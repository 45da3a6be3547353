"""Graphs in files: ``export_meta_graph`` and ``import_meta_graph``.

A file is JSON.  ``graph`` is the text form of :mod:`graphc.ir.text`, line by line; ``arrays`` has
the constants that are too long for a line; ``variables`` and ``collections`` name nodes and tensors
of the graph; ``saver`` says what the Saver saved.  Reading one executes nothing.

Python functions (of ``py_func``) have no text.  Their nodes are kept, and running one in another
process is an error that names the function.
"""

from __future__ import annotations

import base64
import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from frontends.tf.platform import logging
from frontends.tf.variables.variable import Variable
from graphc.errors import DataLossError, FailedPreconditionError, GraphcError, NotFoundError
from graphc.ir.dtype import as_dtype
from graphc.ir.graft import graft
from graphc.ir.graph import Graph, Node, Tensor, default_graph
from graphc.ir.op import Literal
from graphc.ir.source import here
from graphc.ir.text import parse_graph, print_graph
from runtime.checkpoint.atomic import write_file

if TYPE_CHECKING:
    from frontends.tf.train.saver import Saver

FORMAT, VERSION = "graphc graph", 1


@dataclass(frozen=True)
class SaverDef:
    """What a Saver saves (``variables``: name in the checkpoint to tensor name) and keeps."""

    LEGACY = 0
    V1 = 1
    V2 = 2

    max_to_keep: int = 5
    keep_checkpoint_every_n_hours: float = 10000.0
    sharded: bool = False
    version: int = V2
    variables: dict[str, str] = field(default_factory=dict)

    def in_scope(self, scope: str | None) -> SaverDef:
        """The same for variables imported under ``scope``; names in the checkpoint stay."""
        if not scope:
            return self
        return replace(self, variables={k: f"{scope}/{v}" for k, v in self.variables.items()})


class MetaGraph:
    """A graph with its collections, variables and Saver as JSON data."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    @property
    def saver_def(self) -> SaverDef | None:
        said = self.document.get("saver")
        return None if said is None else SaverDef(**said)

    @property
    def collection_def(self) -> dict[str, list]:
        return self.document["collections"]

    def __str__(self) -> str:
        rows = (f"{json.dumps(key)}: {_laid_out(value)}" for key, value in self.document.items())
        return "{" + ",\n".join(rows) + "}\n"


def _laid_out(value: Any) -> str:
    """JSON with a line for each item of a list or table."""
    # The library's own layout is written item by item in Python.
    if isinstance(value, list) and value:
        return "[\n " + ",\n ".join(map(_compact, value)) + "]"
    if isinstance(value, dict) and value:
        rows = (f"{json.dumps(key)}: {_compact(item)}" for key, item in value.items())
        return "{\n " + ",\n ".join(rows) + "}"
    return _compact(value)


_compact = json.JSONEncoder(ensure_ascii=False).encode


# --- exporting -----------------------------------------------------------------------------------


def export_meta_graph(
    filename: str | None = None,
    meta_info_def: Any = None,
    graph_def: Any = None,
    saver_def: SaverDef | None = None,
    collection_list: Sequence[str] | None = None,
    as_text: bool = False,
    graph: Graph | None = None,
    export_scope: str | None = None,
    clear_devices: bool = False,
    clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False,
    save_debug_info: bool = False,
    **kwargs: Any,
) -> MetaGraph:
    """A graph as data, written to ``filename`` if given; ``collection_list`` names the collections
    that go along (default: all).

    >>> tf.train.export_meta_graph("model.meta")
    """
    if graph_def is not None or meta_info_def is not None:
        raise NotImplementedError("export_meta_graph(graph_def=..., meta_info_def=...)")
    made = document_of(
        graph or default_graph(), saver_def, collection_list, export_scope, clear_devices
    )
    if filename is not None:
        write_meta_graph(made, filename)
    return made


def write_meta_graph(made: MetaGraph, filename: str) -> None:
    write_file(filename, str(made).encode())


def document_of(
    graph: Graph,
    saver_def: SaverDef | None,
    collection_list: Sequence[str] | None = None,
    export_scope: str | None = None,
    clear_devices: bool = False,
) -> MetaGraph:
    """A graph as data."""
    if export_scope:
        raise NotImplementedError("exporting one scope of a graph is not provided")
    literals: dict[str, Any] = {}
    text = print_graph(graph, literals=literals)
    functions = sorted(key for key, value in literals.items() if not isinstance(value, Literal))
    return MetaGraph(
        {
            "format": FORMAT,
            "version": VERSION,
            "graph": text.splitlines(),
            "devices": not clear_devices,
            "forward": {n.name: n.forward.name for n in graph.nodes if n.forward is not None},
            "variables": [_variable_record(v) for v in _variables_of(graph)],
            "collections": _collections(graph, collection_list),
            "saver": None if saver_def is None else asdict(saver_def),
            "functions": functions,
            "arrays": {k: _array_record(v) for k, v in literals.items() if k not in functions},
        }
    )


def _variables_of(graph: Graph) -> list[Variable]:
    """The variables in collections, each once, also those in a list or tuple there."""
    found: dict[str, Variable] = {}
    waiting = [
        item for key, held in graph.collections.items() if isinstance(key, str) for item in held
    ]
    for item in waiting:
        if isinstance(item, Variable):
            found.setdefault(item.op.name, item)
        elif isinstance(item, list | tuple):
            waiting += item
    return list(found.values())


def _variable_record(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.op.name,
        "initializer": variable.initializer.name,
        "initial_value": variable.initial_value.name,
        "trainable": bool(variable.trainable),
    }


def _collections(graph: Graph, wanted: Sequence[str] | None) -> dict[str, list]:
    """What collections hold, as names; what has none is left out, and said."""
    found: dict[str, list] = {}
    for key, items in graph.collections.items():
        if not isinstance(key, str) or (wanted is not None and key not in wanted):
            continue
        records = [_item_record(item) for item in items]
        if None in records:
            kinds = {type(i).__name__ for i, r in zip(items, records, strict=True) if r is None}
            logging.info("collection %r: %s not exported", key, ", ".join(sorted(kinds)))
        found[key] = [record for record in records if record is not None]
    return found


def _item_record(item: Any) -> dict[str, Any] | None:
    match item:
        case Variable():
            return {"variable": item.op.name}
        case Tensor():
            return {"tensor": item.name}
        case Node():
            return {"operation": item.name}
        case None | bool() | int() | float() | str():
            return {"value": item}
        case np.generic():
            return {"value": item.item()}
        case bytes():
            return {"bytes": base64.b64encode(item).decode()}
        case list() | tuple():
            inner = [_item_record(part) for part in item]
            return None if None in inner else {type(item).__name__: inner}
    return None


def _array_record(literal: Literal) -> dict[str, Any]:
    array = literal.array
    record: dict[str, Any] = {"dtype": as_dtype(array.dtype).name, "shape": list(array.shape)}
    if array.dtype.hasobject:
        strings = [s.encode() if isinstance(s, str) else s for s in array.ravel().tolist()]
        return record | {"strings": [base64.b64encode(s).decode() for s in strings]}
    return record | {"data": base64.b64encode(array.tobytes()).decode()}


# --- importing -----------------------------------------------------------------------------------


def import_meta_graph(
    meta_graph_or_file: Any,
    clear_devices: bool = False,
    import_scope: str | None = None,
    **kwargs: Any,
) -> Saver | None:
    """Add an exported graph to the default graph: operations, variables, collections.

    Returns a Saver of its variables, or None if it has none.  A ``.meta`` file of TensorFlow's is
    imported as far as its operations are provided; the others are left out, and a warning names
    their kinds.

    >>> saver = tf.train.import_meta_graph("runs/model.ckpt-100.meta")
    >>> saver.restore(sess, "runs/model.ckpt-100")
    """
    from frontends.tf.train.saver import Saver

    graph, made = default_graph(), meta_graph_or_file
    if isinstance(made, str | os.PathLike):
        made = read_meta_graph(made)
    scope = graph.unique_name(import_scope) if import_scope else ""
    if isinstance(made, MetaGraph):
        definition = made.saver_def
        definition = None if definition is None else definition.in_scope(scope)
        variables = len(_Import(made, graph, scope, clear_devices).run())
    else:
        from frontends.tf.train.meta_graph_def import import_message

        definition = import_message(made, graph, scope, clear_devices)
        variables = len(graph.get_collection("variables"))
    if definition is not None and definition.variables:
        return Saver(saver_def=definition, name=scope)
    return Saver() if variables else None


def read_meta_graph(filename: Any) -> Any:
    """A file that :func:`export_meta_graph` wrote, or TensorFlow did: then its message."""
    try:
        with open(filename, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        raise OSError(f"File {filename} does not exist.") from None
    if not data.startswith(b"{"):
        from frontends.tf.train.meta_graph_def import read_message

        return read_message(data, filename)
    try:
        document = json.loads(data)
        if document["format"] != FORMAT:
            raise ValueError(f"its format is {document['format']!r}")
        if document["version"] > VERSION:
            raise ValueError(f"it is of version {document['version']}, newer than this graphc")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _damaged(filename, f"this is no graph that graphc wrote: {error}") from None
    return MetaGraph(document)


def _damaged(filename: Any, fact: str) -> DataLossError:
    return DataLossError(fact, subject=f"graph {str(filename)!r}", site=here())


class _Absent:
    """Stands for a Python function that was not exported with its graph."""

    def __init__(self, key: str) -> None:
        self.__name__ = self.__qualname__ = key.rpartition("#")[0] or key

    def __call__(self, *arguments: Any) -> Any:
        raise FailedPreconditionError(
            f"the Python function {self.__name__!r} was not exported with the graph",
            hint="build the graph in this process where it calls Python",
        )


class _Import:
    """One exported graph on its way into a graph."""

    def __init__(self, made: MetaGraph, target: Graph, scope: str, clear_devices: bool) -> None:
        self.said = made.document
        self.target = target
        self.prefix = f"{scope}/" if scope else ""
        self.devices = not clear_devices and self.said.get("devices", True)
        self.variables: dict[str, Variable] = {}

    def run(self) -> dict[str, Variable]:
        """The variables; everything is read before the target changes."""
        try:
            source = self._source()
        except (GraphcError, KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, NotFoundError | DataLossError):
                raise
            raise _damaged("imported", f"it cannot be read: {error}") from error
        self.nodes = graft(source, self.target, self.prefix, self.devices)
        for record in self.said["variables"]:
            self.variables[record["name"]] = self._variable(record)
        for key, records in self.said["collections"].items():
            for record in records:
                self.target.add_to_collection(key, self._item(record))
        return self.variables

    def _source(self) -> Graph:
        literals: dict[str, Any] = {k: _literal(v) for k, v in self.said["arrays"].items()}
        literals |= {key: _Absent(key) for key in self.said["functions"]}
        source = parse_graph("\n".join(self.said["graph"]), literals)
        for name, forward in self.said["forward"].items():
            source.by_name[name].forward = source.by_name[forward]
        self.source = source
        for record in self.said["variables"]:
            names = (record["initializer"], record["name"])
            if not all(name in source.by_name for name in names):
                raise KeyError(record["name"])
            source.get_tensor_by_name(record["initial_value"])
        for records in self.said["collections"].values():
            for record in records:
                self._check(record)
        return source

    def _check(self, record: dict[str, Any]) -> None:
        """Raise for a record of a collection that names nothing."""
        ((kind, value),) = record.items()
        if kind == "variable" and all(v["name"] != value for v in self.said["variables"]):
            raise KeyError(value)
        if kind == "operation":
            self.source.get_operation_by_name(value)
        elif kind == "tensor":
            self.source.get_tensor_by_name(value)
        elif kind in ("list", "tuple"):
            for part in value:
                self._check(part)

    def _variable(self, record: dict[str, Any]) -> Variable:
        by_name = self.source.by_name
        value = self.source.get_tensor_by_name(record["initial_value"])
        return Variable.imported(
            self.nodes[by_name[record["name"]]].outputs[0],
            self.nodes[value.node].outputs[value.index],
            self.nodes[by_name[record["initializer"]]],
            record["trainable"],
        )

    def _item(self, record: dict[str, Any]) -> Any:
        ((kind, value),) = record.items()
        match kind:
            case "variable":
                return self.variables[value]
            case "tensor":
                tensor = self.source.get_tensor_by_name(value)
                return self.nodes[tensor.node].outputs[tensor.index]
            case "operation":
                return self.nodes[self.source.by_name[value]]
            case "bytes":
                return base64.b64decode(value)
            case "list":
                return [self._item(part) for part in value]
            case "tuple":
                return tuple(self._item(part) for part in value)
        return value


def _literal(record: dict[str, Any]) -> Literal:
    dtype, shape = as_dtype(record["dtype"]), tuple(record["shape"])
    if "strings" in record:
        array = np.empty(math.prod(shape), object)
        array[:] = [base64.b64decode(s, validate=True) for s in record["strings"]]
        return Literal(array.reshape(shape))
    data = base64.b64decode(record["data"], validate=True)
    array = np.frombuffer(data, dtype.numpy)
    return Literal(array.reshape(shape))
