"""Data-dependent sizes: which node's run determines each, and which nodes need it.

The count of ``boolean_mask`` is a symbol in attributes of nodes that may read nothing of the node
that counts.  That is a dependency all the same: it orders nodes and keeps the counting node alive.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from graphc.ir.dims import Expr, symbols
from graphc.ir.graph import Node
from graphc.ir.op import Nested, Op


class Bindings:
    """The nodes of ``nodes`` that determine sizes, and who depends on them."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.binder: dict[str, Node] = {}
        for node in nodes:
            if node.op.binding is not None:
                for name in data_sizes(getattr(node.op, node.op.binding)):
                    self.binder.setdefault(name, node)

    def before(self, node: Node) -> list[Node]:
        """The nodes that must have run for the sizes in a node's attributes to be known."""
        if not self.binder:
            return []
        found = (self.binder.get(name) for name in sizes_read(node.op))
        return [n for n in dict.fromkeys(found) if n is not None and n is not node]


@lru_cache(maxsize=4096)
def sizes_read(op: Op) -> tuple[str, ...]:
    """The data-dependent sizes that an op's attributes mention, and that it does not determine."""
    own = data_sizes(getattr(op, op.binding)) if op.binding is not None else ()
    others = data_sizes(tuple(value for key, value in op.values() if key != op.binding))
    return tuple(name for name in others if name not in own)


def data_sizes(value: Any) -> tuple[str, ...]:
    """The data-dependent sizes in an attribute's value."""
    found: dict[str, None] = {}
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple):
            waiting += part
        elif isinstance(part, Expr):
            found |= dict.fromkeys(sorted(s.name for s in symbols(part) if s.data))
        elif isinstance(part, Nested):
            found |= dict.fromkeys(sorted({s.name for s in part.symbols() if s.data}))
    return tuple(found)
