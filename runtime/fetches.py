"""What ``run`` was asked for: the tensors and operations in it, and how results go back into its
shape.

A fetch is a tensor, variable, operation, or the name of one; or a list, tuple, named tuple or dict
of fetches, nested as the caller likes.  An operation's result is None.  What is several tensors
(``tf.SparseTensor``) has ``fetch_parts()``: the named tuple of them that is fetched in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from graphc.errors import FetchError, GraphcError
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.source import here

Pack = Callable[[tuple], Any]


class FetchTypeError(FetchError, TypeError):
    """What was fetched is no part of any graph."""


class Fetches:
    """``tensors`` and ``targets``, each once, in order of appearance; ``pack`` restores the
    structure."""

    def __init__(self, graph: Graph, structure: Any) -> None:
        self.graph = graph
        self._tensors: dict[Tensor, int] = {}
        self._targets: dict[Node, None] = {}
        structure = opened(structure)
        slots = self._slots(structure)
        self.tensors = tuple(self._tensors)
        self.targets = tuple(self._targets)
        self.pack = _packer(structure, slots)

    def _slots(self, structure: Any) -> Any:
        """The structure with every leaf replaced by its position among the results, or None."""
        if isinstance(structure, Mapping):
            return [self._slots(value) for value in structure.values()]
        if isinstance(structure, list | tuple):
            return [self._slots(value) for value in structure]
        element = graph_element(self.graph, structure, "fetch")
        if isinstance(element, Node):
            self._targets[element] = None
            return None
        return self._tensors.setdefault(element, len(self._tensors))


def opened(structure: Any) -> Any:
    """The structure with the parts of composite values in their place."""
    parts = getattr(structure, "fetch_parts", None)
    if parts is not None:
        return parts()
    if isinstance(structure, Mapping):
        values = {key: opened(value) for key, value in structure.items()}
        same = all(values[key] is value for key, value in structure.items())
        if same:
            return structure
        return structure.copy() | values if isinstance(structure, dict) else values
    if isinstance(structure, list | tuple):
        items = [opened(value) for value in structure]
        if all(new is old for new, old in zip(items, structure, strict=True)):
            return structure
        kind = type(structure)
        return kind._make(items) if hasattr(kind, "_make") else kind(items)
    return structure


def _packer(structure: Any, slots: Any) -> Pack:
    if not isinstance(slots, list):
        return (lambda results: None) if slots is None else itemgetter(slots)
    kind = type(structure)
    if kind in (list, tuple) and all(isinstance(s, int) for s in slots) and len(slots) > 1:
        pick = itemgetter(*slots)
        return pick if kind is tuple else lambda results: list(pick(results))
    if kind is list and not any(isinstance(s, list) for s in slots):
        return lambda results: [None if s is None else results[s] for s in slots]
    if isinstance(structure, Mapping):
        parts = [_packer(v, s) for v, s in zip(structure.values(), slots, strict=True)]
        keys = tuple(structure)
        make_map = kind if issubclass(kind, dict) and kind.__name__ != "defaultdict" else dict
        return lambda results: make_map((k, p(results)) for k, p in zip(keys, parts, strict=True))
    parts = [_packer(v, s) for v, s in zip(structure, slots, strict=True)]
    make = kind._make if hasattr(kind, "_make") else kind
    return lambda results: make([part(results) for part in parts])


def graph_element(graph: Graph, value: Any, role: str) -> Tensor | Node:
    """The tensor or node of ``graph`` that a fetch or feed key stands for."""
    if isinstance(value, str):
        try:
            element: Tensor | Node = named_element(graph, value)
        except GraphcError as error:
            error.subject, error.site = "run", here()
            raise
    elif isinstance(value, Node):
        element = value
    else:
        tensor = as_tensor(value)
        if tensor is None:
            raise FetchTypeError(
                f"cannot {role} {_brief(value)}",
                subject="run",
                hint=f"a {role} is a tensor, an operation, a variable, or the name of one",
                site=here(),
            )
        element = tensor
    if element.graph is not graph:
        inside = element.graph.root is graph
        where = "it is made inside a branch or a loop" if inside else "it belongs to another graph"
        raise FetchError(
            f"cannot {role} {element.name}: {where}",
            subject="run",
            rows=[("made", _made(element), "")],
            hint=_instead(role)
            if inside
            else "a session runs the graph it was made for: tf.Session(graph=...)",
            site=here(),
        )
    return element


def _instead(role: str) -> str:
    """What to do where a tensor of a branch or loop cannot be fetched, or fed."""
    if role == "feed":
        return (
            "feed what the branch or loop reads from outside, or what its loop variables start as"
        )
    return "return it from the function it is made in; tf.Print shows it as it is computed"


def named_element(graph: Graph, name: str) -> Tensor | Node:
    """``dense/kernel:0`` is a tensor, ``dense/kernel`` an operation."""
    if ":" in name:
        return graph.get_tensor_by_name(name)
    return graph.get_operation_by_name(name)


def _made(element: Tensor | Node) -> str:
    node = element if isinstance(element, Node) else element.node
    return f"at {node.site.describe()}" if node.site else "by graphc itself"


def _brief(value: Any) -> str:
    text = repr(value)
    text = text if len(text) <= 40 else text[:37] + "..."
    return f"{text} ({type(value).__name__})" if value is not None else "None"


def structure_token(structure: Any) -> Any:
    """A hashable stand-in for a nested fetch structure; it holds the leaves, so ids cannot be
    reused."""
    if isinstance(structure, Mapping):
        return (type(structure), tuple((k, structure_token(v)) for k, v in structure.items()))
    if isinstance(structure, list | tuple):
        return (type(structure), *(structure_token(v) for v in structure))
    return structure


def needed_nodes(
    fetches: Sequence[Tensor], targets: Sequence[Node], fed: Sequence[Tensor] = ()
) -> list[Node]:
    """Every node a run computes: what ``fetches`` and ``targets`` depend on, not looking behind fed
    tensors."""
    known = set(fed)
    waiting = [*(t.node for t in fetches if t not in known), *targets]
    found: dict[Node, None] = {}
    while waiting:
        node = waiting.pop()
        if node in found:
            continue
        found[node] = None
        waiting.extend(t.node for t in node.operands if t not in known)
        waiting.extend(node.control)
    return list(found)
