"""``.meta`` files of TensorFlow's (MetaGraphDef messages), as far as their operations are provided.

What is not provided (the gradients and updates of an optimizer, say) is left out with what depends
on it, and said once.  So a trained model can be restored, run, and trained on by an optimizer made
here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from frontends.tf.graph.building import GraphKeys
from frontends.tf.graph_def.builders import BUILDERS
from frontends.tf.graph_def.importing import _Importer
from frontends.tf.platform import logging
from frontends.tf.train.meta_graph import SaverDef
from frontends.tf.variables.variable import Variable
from graphc.errors import DataLossError, GraphcError
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.source import here
from graphc.protocol import message, tensor_array

_OF_VARIABLES = (
    GraphKeys.GLOBAL_VARIABLES, GraphKeys.LOCAL_VARIABLES, GraphKeys.MODEL_VARIABLES,
    GraphKeys.TRAINABLE_VARIABLES, GraphKeys.MOVING_AVERAGE_VARIABLES, GraphKeys.METRIC_VARIABLES,
    GraphKeys.GLOBAL_STEP,
)  # fmt: skip
_OF_LOOPS = (GraphKeys.COND_CONTEXT, GraphKeys.WHILE_CONTEXT, GraphKeys.SAVERS)
_SAVING = ("SaveV2", "RestoreV2", "MergeV2Checkpoints", "ShardedFilename")
_KINDS_SHOWN = 8


def read_message(data: bytes, filename: Any) -> Any:
    """A MetaGraphDef; DataLossError for bytes that are none."""
    held = message("meta_graph", "MetaGraphDef")()
    try:
        held.ParseFromString(data)
        found = len(held.graph_def.node) > 0
    except Exception as error:  # the library's own kinds, which depend on its version
        raise _no_graph(filename) from error
    if not found:
        raise _no_graph(filename)
    return held


def _no_graph(filename: Any) -> DataLossError:
    return DataLossError(
        "this is no graph that graphc or TensorFlow wrote",
        subject=f"graph {str(filename)!r}",
        site=here(),
    )


def import_message(held: Any, graph: Graph, scope: str, clear_devices: bool) -> SaverDef | None:
    """Add what is provided of a MetaGraphDef to a graph; what its Saver saved, if it had one."""
    if clear_devices:
        for node in held.graph_def.node:
            node.device = ""
    importer = _Tolerant(graph, held.graph_def, f"{scope}/" if scope else "", {})
    importer.make_all()
    _say(importer)
    variables = dict(_variables(held, importer))
    for key, collected in held.collection_def.items():
        for item in _items(key, collected, importer, variables):
            graph.add_to_collection(key, item)
    if not held.HasField("saver_def"):
        return None
    said = held.saver_def
    names = dict(_saved_names(held.graph_def)) or {name: name for name in variables}
    tensors = {
        name: variables[source].name for name, source in names.items() if source in variables
    }
    return SaverDef(
        said.max_to_keep, said.keep_checkpoint_every_n_hours, said.sharded, variables=tensors
    )


class _Tolerant(_Importer):
    """Makes the nodes it can; ``left_out`` has the others, ``kinds`` why the first of them are."""

    def make_all(self) -> None:
        self.left_out = {n for n, node in self.given.items() if node.op not in BUILDERS}
        self.kinds = {self.given[name].op for name in self.left_out} - set(_SAVING)
        self._leave_out_dependents()
        names, self.given = self.given, {
            n: node for n, node in self.given.items() if n not in self.left_out
        }  # fmt: skip
        for name in self._in_order():
            if any(source in self.left_out for source in self._needs(name)):
                self.left_out.add(name)
                continue
            try:
                self._make(self.given[name])
            except (GraphcError, ValueError, TypeError, NotImplementedError):
                self.left_out.add(name)
                self.kinds.add(names[name].op)

    def _leave_out_dependents(self) -> None:
        readers: dict[str, list[str]] = {}
        for name, node in self.given.items():
            for text in node.input:
                readers.setdefault(text.lstrip("^").partition(":")[0], []).append(name)
        waiting = list(self.left_out)
        while waiting:
            for reader in readers.get(waiting.pop(), ()):
                if reader not in self.left_out:
                    self.left_out.add(reader)
                    waiting.append(reader)

    def found(self, name: str) -> Tensor | Node | None:
        """The tensor or operation of that name, if it was made."""
        node, colon, index = name.partition(":")
        if node not in self.nodes:
            return None
        outputs = self.values[node]
        if not colon:
            return self.nodes[node]
        return outputs[int(index)] if index.isdigit() and int(index) < len(outputs) else None


def _say(importer: _Tolerant) -> None:
    if importer.kinds:
        kinds = sorted(importer.kinds)
        more = f" and {len(kinds) - _KINDS_SHOWN} more" if len(kinds) > _KINDS_SHOWN else ""
        logging.warning(
            "%d of %d operations of the imported graph were left out: %s%s are not provided, or "
            "not in that form. Make an optimizer's operations again to train on.",
            len(importer.left_out), len(importer.left_out) + len(importer.nodes),
            ", ".join(kinds[:_KINDS_SHOWN]), more,
        )  # fmt: skip


def _variables(held: Any, importer: _Tolerant) -> Iterator[tuple[str, Variable]]:
    """Each variable of the collections, by the name of its operation in the file."""
    seen = set()
    kind = message("variable", "VariableDef")
    for key in _OF_VARIABLES:
        for data in held.collection_def[key].bytes_list.value if key in held.collection_def else ():
            said = kind.FromString(data)
            name = said.variable_name.partition(":")[0]
            tensor = importer.found(f"{name}:0")
            initial = importer.found(said.initial_value_name)
            initializer = importer.found(said.initializer_name)
            if name in seen or not isinstance(tensor, Tensor):
                continue
            seen.add(name)
            if isinstance(initial, Tensor) and isinstance(initializer, Node):
                trainable = key == GraphKeys.TRAINABLE_VARIABLES or said.trainable
                yield name, Variable.imported(tensor, initial, initializer, trainable)
            else:
                logging.warning("variable %r: its initializer is not provided", name)


def _items(
    key: str, collected: Any, importer: _Tolerant, variables: dict[str, Variable]
) -> Iterator[Any]:
    """What a collection holds, as far as it was made."""
    if key in _OF_VARIABLES:
        kind = message("variable", "VariableDef")
        names = [kind.FromString(v).variable_name for v in collected.bytes_list.value]
        yield from (variables[n[:-2]] for n in names if n.removesuffix(":0") in variables)
    elif key not in _OF_LOOPS:
        made = map(importer.found, collected.node_list.value)
        yield from (item for item in made if item is not None)
        for values in (collected.bytes_list, collected.int64_list, collected.float_list):
            yield from values.value


def _saved_names(graph_def: Any) -> Iterator[tuple[str, str]]:
    """(name in the checkpoint, variable's operation) as the graph's own saving operations say."""
    by_name = {node.name: node for node in graph_def.node}
    for node in graph_def.node:
        if node.op != "SaveV2" or len(node.input) < 3:
            continue
        said = by_name.get(node.input[1])
        if said is None or said.op != "Const":
            continue
        names = tensor_array(said.attr["value"].tensor).ravel().tolist()
        for name, source in zip(names, node.input[3:], strict=False):
            origin = by_name.get(source.partition(":")[0])
            while origin is not None and origin.op in ("Identity", "ReadVariableOp"):
                origin = by_name.get(origin.input[0].partition(":")[0])
            if origin is not None:
                yield name.decode() if isinstance(name, bytes) else name, origin.name
