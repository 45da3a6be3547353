"""A Program as bytes and back: JSON for the structure, raw arrays after it.  Never pickle.

The user's lines are not stored: a site is written as the name of a node made there, and read back
from the graph that is being compiled, so an edited script shows its own lines.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from graphc.codegen.kernel import Constant, Kernel, Operand
from graphc.ir.body import Body
from graphc.ir.dims import Expr, parse_dim, symbols
from graphc.ir.dtype import DType, as_dtype
from graphc.ir.graph import Graph
from graphc.ir.op import REGISTRY, Literal, Op
from graphc.ir.source import Site
from graphc.lowering import program as records
from graphc.lowering.facts import ContractionFacts
from graphc.lowering.program import GRAIN, Place, Program

FORMAT = 2  # part of the cache key: raise it when the meaning of a stored Program changes

_RECORDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        Kernel, Operand, Constant, Program, records.Buffer, records.Block, records.Origin,
        records.Launch, records.Copy, records.Host, records.Feed, records.Fetch, records.Check,
        records.Failing, records.Inside, records.Turns, records.Again, records.Unless,
        records.Goto, records.Label,
    )
}  # fmt: skip


class NotStorable(Exception):
    """The Program holds a Python object and lives in this process only."""


class Unreadable(Exception):
    """The bytes are no Program of this format."""


def encode(program: Program, graph: Graph) -> bytes:
    """``graph`` is the graph that was compiled; its nodes name the sites."""
    writer = _Writer({site: name for name, site in _sites(graph)})
    text = json.dumps(writer.value(program), separators=(",", ":")).encode()
    out = io.BytesIO()
    out.write(len(text).to_bytes(8, "little"))
    out.write(text)
    for array in writer.arrays:
        np.save(out, array, allow_pickle=False)
    return out.getvalue()


def _sites(graph: Graph, before: str = "") -> Iterator[tuple[str, Site]]:
    """The lines that nodes were made at, by the nodes' names; those of bodies by the names of the
    nodes around them, too."""
    for node in graph.nodes:
        if node.site:
            yield before + node.name, node.site
        for key, value in node.op.values():
            if isinstance(value, Body):
                yield from _sites(value.graph, f"{before}{node.name}.{key}>")


def decode(payload: bytes, graph: Graph) -> Program:
    """The Program, its sites looked up in ``graph``; :class:`Unreadable` if it is none."""
    try:
        found = _decode(payload, graph)
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        raise Unreadable(f"{type(error).__name__}: {error}") from error
    if not isinstance(found, Program):
        raise Unreadable(f"{type(found).__name__}")
    return found


def _decode(payload: bytes, graph: Graph) -> Any:
    size = int.from_bytes(payload[:8], "little")
    tree = json.loads(payload[8 : 8 + size])
    stream = io.BytesIO(payload[8 + size :])
    arrays = []
    while stream.tell() < len(payload) - 8 - size:
        array = np.load(stream, allow_pickle=False)
        array.flags.writeable = False
        arrays.append(array)
    return _Reader(arrays, graph).value(tree)


class _Writer:
    def __init__(self, names: dict[Site, str]) -> None:
        self.names = names
        self.arrays: list[np.ndarray] = []

    def value(self, value: Any) -> Any:
        if isinstance(value, ContractionFacts):
            return None  # for reports, which compile anew
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, complex):
            return {"complex": [value.real, value.imag]}
        if isinstance(value, tuple | list):
            return [self.value(v) for v in value]
        if isinstance(value, Expr):
            if value == GRAIN:
                return {"grain": True}
            data = sorted(s.name for s in symbols(value) if s.data)
            return {"dim": str(value), **({"data": data} if data else {})}
        if isinstance(value, Place):
            return {"place": value.value}
        if isinstance(value, Site):
            return {"site": self.names.get(value)}
        if isinstance(value, DType):
            return {"dtype": value.name}
        if isinstance(value, Literal):
            return {"literal": self.array(value.array)}
        if isinstance(value, np.ndarray):
            return {"array": self.array(value)}
        if isinstance(value, Op):
            return {"op": value.name, "attributes": {k: self.value(v) for k, v in value.values()}}
        if isinstance(value, dict):
            return {"map": [[self.value(k), self.value(v)] for k, v in value.items()]}
        if is_dataclass(value) and type(value).__name__ in _RECORDS:
            return {
                "is": type(value).__name__,
                "fields": [self.value(getattr(value, f.name)) for f in fields(value)],
            }
        raise NotStorable(f"{type(value).__name__} cannot be stored")

    def array(self, array: np.ndarray) -> int | dict:
        if array.dtype.hasobject:
            flat = array.ravel().tolist()
            if not all(type(item) is bytes for item in flat):
                raise NotStorable("an array of objects cannot be stored")
            return {"hex": [item.hex() for item in flat], "shape": array.shape}
        self.arrays.append(array)
        return len(self.arrays) - 1


class _Reader:
    def __init__(self, arrays: list[np.ndarray], graph: Graph) -> None:
        self.arrays = arrays
        self.graph = graph

    @cached_property
    def sites(self) -> dict[str, Site]:
        return dict(_sites(self.graph))

    def value(self, tree: Any) -> Any:
        if isinstance(tree, list):
            return tuple([self.value(v) for v in tree])
        if not isinstance(tree, dict):
            return tree
        for key, read in _READ.items():
            if key in tree:
                return read(self, tree)
        raise ValueError(f"not a stored Program: {sorted(tree)}")

    def site(self, tree: dict) -> Site | None:
        return self.sites.get(tree["site"])

    def array(self, stored: int | dict) -> np.ndarray:
        if isinstance(stored, int):
            return self.arrays[stored]
        strings = np.empty(len(stored["hex"]), object)
        strings[:] = [bytes.fromhex(item) for item in stored["hex"]]
        return strings.reshape(stored["shape"])

    def record(self, tree: dict) -> Any:
        return _RECORDS[tree["is"]](*map(self.value, tree["fields"]))

    def op(self, tree: dict) -> Op:
        return REGISTRY[tree["op"]](**{k: self.value(v) for k, v in tree["attributes"].items()})


@lru_cache(maxsize=4096)
def _dim(text: str, data: tuple[str, ...]) -> Any:
    return parse_dim(text, data)


_READ: dict[str, Callable[[_Reader, dict], Any]] = {
    "is": _Reader.record,
    "complex": lambda reader, tree: complex(*tree["complex"]),
    "grain": lambda reader, tree: GRAIN,
    "dim": lambda reader, tree: _dim(tree["dim"], tuple(tree.get("data", ()))),
    "site": _Reader.site,
    "place": lambda reader, tree: Place(tree["place"]),
    "dtype": lambda reader, tree: as_dtype(tree["dtype"]),
    "literal": lambda reader, tree: Literal(reader.array(tree["literal"])),
    "array": lambda reader, tree: reader.array(tree["array"]),
    "op": _Reader.op,
    "map": lambda reader, tree: {reader.value(k): reader.value(v) for k, v in tree["map"]},
}
