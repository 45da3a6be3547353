"""``tf.import_graph_def``: the nodes of a ``GraphDef`` (TensorFlow's or ours) as operations.

Which op types are known is the table of :mod:`frontends.tf.graph_def.builders`.  A graph with
others is refused before anything is made, with all of them named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from frontends.tf.graph.static_values import get_static_value
from frontends.tf.graph.tensor import convert
from frontends.tf.graph_def.attributes import attribute_value
from frontends.tf.graph_def.builders import BUILDERS
from graphc.errors import GraphError, UnimplementedError
from graphc.ir.builder import Builder, as_tensor
from graphc.ir.graph import Graph, Node, Tensor, default_graph
from graphc.ir.source import here
from graphc.protocol import message


class NodeReader:
    """One NodeDef being made: its operands as tensors, its attributes as Python values."""

    def __init__(self, b: Builder, given: Any, full: str, operands: list[Tensor | None]) -> None:
        self.b = b
        self.type: str = given.op
        self.full = full  # the name its operation gets
        self.operands = operands
        self._attributes = given.attr

    @property
    def name(self) -> str:
        """The name as builders take it: exact."""
        return f"{self.full}/"

    def operand(self, position: int) -> Any:
        return self.operands[position]

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute's value; text as str."""
        if name not in self._attributes:
            return default
        value = attribute_value(self._attributes[name])
        return value.decode() if isinstance(value, bytes) else value

    def static(self, position: int) -> Any:
        """The value of an operand that must be known while the graph is built."""
        value = get_static_value(self.operands[position])
        if value is None:
            raise UnimplementedError(
                f"operand {position} must be a constant here, it is computed",
                subject=f"{self.type} {self.full!r}",
                site=here(),
            )
        return np.asarray(value).tolist()

    def known(self, position: int) -> Any:
        """The value of an operand where it is known, else the operand."""
        value = get_static_value(self.operands[position])
        return self.operands[position] if value is None else np.asarray(value).tolist()


def import_graph_def(
    graph_def: Any, input_map: dict[str, Any] | None = None,
    return_elements: Sequence[str] | None = None, name: str | None = None, op_dict: Any = None,
    producer_op_list: Any = None,
) -> list[Tensor | Node] | None:  # fmt: skip
    """Add the nodes of a ``tf.GraphDef`` to the default graph, under the scope ``name``
    (default ``import``; ``""``: their own names).

    ``input_map`` puts tensors in the place of some (``{"x:0": mine}``).  Returns the operations
    (``"dense/MatMul"``) and tensors (``"dense/MatMul:0"``) that ``return_elements`` names.

    >>> graph_def = tf.GraphDef.FromString(open("frozen.pb", "rb").read())
    >>> probabilities, = tf.import_graph_def(graph_def, {"x:0": x}, ["softmax:0"], name="")
    """
    held = _as_message(graph_def)
    _refuse_unknown(held)
    graph = default_graph()
    prefix = "import" if name is None else name
    if prefix and not prefix.endswith("/"):
        prefix = graph.unique_name(prefix) + "/"
    importer = _Importer(graph, held, prefix, dict(input_map or {}))
    importer.make_all()
    if return_elements is None:
        return None
    if isinstance(return_elements, str) or not all(isinstance(e, str) for e in return_elements):
        raise TypeError("return_elements must be a list of strings.")
    return [importer.element(wanted) for wanted in return_elements]


def _as_message(given: Any) -> Any:
    kind = message("graph", "GraphDef")
    if isinstance(given, kind):
        return given
    if hasattr(given, "SerializeToString") and hasattr(given, "node"):  # TensorFlow's own class
        return kind.FromString(given.SerializeToString())
    raise TypeError(
        f"graph_def must be a GraphDef proto, got {type(given).__name__}; of a file: "
        "tf.GraphDef.FromString(open(path, 'rb').read())"
    )


def _refuse_unknown(held: Any) -> None:
    unknown: dict[str, list[str]] = {}
    for node in held.node:
        if node.op not in BUILDERS:
            unknown.setdefault(node.op, []).append(node.name)
    if unknown:
        rows = []
        for kind, names in sorted(unknown.items()):
            more = f", and {len(names) - 3} more" if len(names) > 3 else ""
            rows.append((kind, ", ".join(names[:3]) + more, ""))
        raise UnimplementedError(
            f"the graph has {len(unknown)} kinds of operations that are not provided",
            subject="import_graph_def",
            rows=rows,
            hint="tf.graph_util.extract_sub_graph(graph_def, [output]) keeps what an output needs",
            site=here(),
        )


class _Importer:
    def __init__(self, graph: Graph, held: Any, prefix: str, mapped: dict[str, Any]) -> None:
        self.graph, self.prefix = graph, prefix
        self.b = Builder(graph)
        self.given = {node.name: node for node in held.node}
        self.mapped = {_full(key): convert(value) for key, value in mapped.items()}
        self.values: dict[str, list[Tensor | None]] = {}
        self.nodes: dict[str, Node] = {}
        self.used: set[str] = set()

    def make_all(self) -> None:
        """Make every node, operands before those that read them."""
        for name in self._in_order():
            self._make(self.given[name])
        unused = sorted(set(self.mapped) - self.used)
        if unused:
            raise ValueError(
                f"Attempted to map inputs that were not found in graph_def: [{', '.join(unused)}]"
            )

    def _in_order(self) -> list[str]:
        order: list[str] = []
        state: dict[str, int] = {}
        for root in self.given:
            waiting = [root]
            while waiting:
                name = waiting[-1]
                if state.get(name) == 2:
                    waiting.pop()
                    continue
                needed = [n for n in self._needs(name) if state.get(n) != 2]
                if not needed or state.get(name) == 1:
                    if needed:
                        raise GraphError(
                            f"{name!r} depends on itself (a loop); loops are not provided",
                            subject="import_graph_def",
                            site=here(),
                        )
                    state[name] = 2
                    order.append(waiting.pop())
                    continue
                state[name] = 1
                waiting += needed
        return order

    def _needs(self, name: str) -> list[str]:
        found = []
        for text in self.given[name].input:
            source = text.lstrip("^").partition(":")[0]
            if not text.startswith("^") and _full(text) in self.mapped:
                continue
            if source not in self.given:
                raise ValueError(
                    f"graph_def is invalid at node {name!r}: its input {text!r} is not in it."
                )
            found.append(source)
        return found

    def _make(self, given: Any) -> None:
        data = [text for text in given.input if not text.startswith("^")]
        before = [self.nodes[text[1:]] for text in given.input if text.startswith("^")]
        operands = [self._operand(text) for text in data]
        full = self.prefix + given.name
        reader = NodeReader(self.b, given, full, operands)
        with self.graph.name_scope(""), self.graph.control_dependencies(before):
            if given.device:
                with self.graph.device_scope(given.device):
                    made = BUILDERS[given.op](reader)
            else:
                made = BUILDERS[given.op](reader)
            self._keep(given.name, full, made)

    def _keep(self, name: str, full: str, made: Any) -> None:
        """Remember what a node gave; one result stands under exactly the node's name."""
        if isinstance(made, Node):
            self.nodes[name], self.values[name] = made, list(made.outputs)
            return
        outputs = list(made) if isinstance(made, list | tuple) else [as_tensor(made)]
        if len(outputs) == 1 and outputs[0].node.name != full and full not in self.graph.by_name:
            outputs = [self.b.identity(outputs[0], name=f"{full}/")]
        self.values[name] = outputs
        self.nodes[name] = next(t for t in outputs if t is not None).node

    def _operand(self, text: str) -> Tensor | None:
        full = _full(text)
        if full in self.mapped:
            self.used.add(full)
            return self.mapped[full]
        name, _, index = full.partition(":")
        return self.values[name][int(index)]

    def element(self, wanted: str) -> Tensor | Node:
        name, colon, index = wanted.partition(":")
        if wanted and colon and _full(wanted) in self.mapped and name not in self.nodes:
            return self.mapped[_full(wanted)]
        if name not in self.nodes:
            raise ValueError(f"Requested return_element {wanted!r} not found in graph_def.")
        if not colon:
            return self.nodes[name]
        outputs = self.values[name]
        if int(index) >= len(outputs) or outputs[int(index)] is None:
            raise ValueError(f"Requested return_element {wanted!r} not found in graph_def.")
        return outputs[int(index)]  # type: ignore[return-value]


def _full(text: str) -> str:
    """A tensor's name with its output."""
    return text if ":" in text else f"{text}:0"
