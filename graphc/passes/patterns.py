"""Patterns over graphs, and the :class:`Rule` rows made of them.

``p.mul(X, Number(1))`` matches a ``mul`` node one of whose operands is the constant 1 (a
commutative op is tried both ways round).  ``X``, ``Y``, ``Z`` match any tensor, the same one
wherever they occur; ``C`` and ``D`` match a tensor that holds one known number throughout.  A
broadcast of a constant counts as that constant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.ir.graph import Node, Tensor
from graphc.ir.op import REGISTRY

Resolve = Callable[[Tensor], Tensor]
Bindings = dict[str, Any]

_NUMBER_OPS = frozenset({"const", "broadcast_to", "reshape"})


@dataclass(frozen=True)
class Var:
    """Any tensor; the same tensor everywhere in the pattern."""

    name: str


@dataclass(frozen=True)
class AnyNumber:
    """A tensor all of whose elements are one known number, bound to ``name``."""

    name: str


@dataclass(frozen=True)
class Number:
    """A tensor all of whose elements are this number."""

    value: float | bool


@dataclass(frozen=True)
class Apply:
    """A node of one op."""

    op: str
    operands: tuple[Any, ...]


class Patterns:
    """``p.NAME(...)`` is the pattern of an application of op NAME."""

    def __getattr__(self, op: str) -> Callable[..., Apply]:
        return lambda *operands: Apply(op, operands)


class Match:
    """What a pattern matched: tensors and numbers by name (``m.x``, ``m.c``), and the nodes, in the
    order their ops are written (``m.nodes[0]`` is the root)."""

    __slots__ = ("bindings", "nodes")

    def __init__(self, bindings: Bindings, nodes: tuple[Node, ...]) -> None:
        self.bindings = bindings
        self.nodes = nodes

    def __getattr__(self, name: str) -> Any:
        try:
            return self.bindings[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def root(self) -> Tensor:
        return self.nodes[0].outputs[0]

    def op(self, k: int) -> Any:
        return self.nodes[k].op


@dataclass(frozen=True)
class Rule:
    """``equation`` holds wherever ``pattern`` matches and ``when`` agrees.

    ``build`` makes its right side; one of another shape than the left is broadcast to it."""

    equation: str
    pattern: Apply
    build: Callable[[Any, Match], Tensor]
    when: Callable[[Match], bool] | None = None

    @property
    def needs(self) -> tuple[frozenset[str], ...]:
        """For each operand that must come from certain ops: which."""
        wanted = []
        for part in self.pattern.operands:
            if isinstance(part, Apply):
                wanted.append(frozenset({part.op}))
            elif isinstance(part, Number | AnyNumber):
                wanted.append(_NUMBER_OPS)
        return tuple(wanted)


def matches(pattern: Apply, tensor: Tensor, resolve: Resolve) -> Iterator[Match]:
    """Every way ``pattern`` matches at ``tensor``."""
    for bindings, nodes in _match(pattern, tensor, {}, (), resolve):
        yield Match(bindings, nodes)


def _match(
    pattern: Any, tensor: Tensor, bound: Bindings, nodes: tuple[Node, ...], resolve: Resolve
) -> Iterator[tuple[Bindings, tuple[Node, ...]]]:
    match pattern:
        case Var(name):
            if bound.get(name, tensor) is tensor:
                yield {**bound, name: tensor}, nodes
        case Number(value):
            held = uniform(tensor, resolve)
            if held is not None and is_exactly(held, value):
                yield bound, nodes
        case AnyNumber(name):
            held = uniform(tensor, resolve)
            if held is not None:
                yield {**bound, name: held}, nodes
        case Apply(op, parts):
            node = tensor.node
            if node.op.name != op or len(node.operands) != len(parts) or len(node.outputs) != 1:
                return
            operands = [resolve(t) for t in node.operands]
            orders = [operands]
            if node.op.commutative and len(parts) == 2:
                orders.append(operands[::-1])
            for order in orders:
                yield from _match_all(parts, order, bound, (*nodes, node), resolve)


def _match_all(
    parts: Sequence[Any],
    tensors: Sequence[Tensor],
    bound: Bindings,
    nodes: tuple[Node, ...],
    resolve: Resolve,
) -> Iterator[tuple[Bindings, tuple[Node, ...]]]:
    if not parts:
        yield bound, nodes
        return
    for inner, found in _match(parts[0], tensors[0], bound, nodes, resolve):
        yield from _match_all(parts[1:], tensors[1:], inner, found, resolve)


def uniform(tensor: Tensor, resolve: Resolve) -> Any:
    """The one number a tensor holds throughout, when the graph says so; else None."""
    while True:
        node = tensor.node
        if node.op.name == "const":
            return _same_throughout(node.get_attr("value").array)
        if node.op.name not in ("broadcast_to", "reshape"):
            return None
        tensor = resolve(node.operands[0])


def _same_throughout(array: np.ndarray) -> Any:
    if not 0 < array.size <= 64 or array.dtype == object:
        return None
    flat = array.ravel()
    first = flat[0]
    same = array.size == 1 or flat.tobytes() == first.tobytes() * array.size
    return first if same else None


def is_exactly(held: Any, value: float | bool) -> bool:
    """Equal, and of equal sign when zero: ``x + 0.0`` is not ``x`` for ``x == -0.0``."""
    if isinstance(value, bool) or held.dtype.kind == "b":
        return isinstance(value, bool) and bool(held) is value
    if held != value:
        return False
    if held.dtype.kind == "c":  # of a zero either part has a sign
        return bool(value)
    return bool(value) or held.dtype.kind in "iu" or bool(np.signbit(held) == np.signbit(value))


def check_rule(rule: Rule) -> None:
    """A rule that names an op that does not exist would never match: say so at import."""
    waiting: list[Any] = [rule.pattern]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Apply):
            assert part.op in REGISTRY, f"rule {rule.equation!r}: no op is called {part.op!r}"
            waiting += part.operands


X, Y, Z = Var("x"), Var("y"), Var("z")
C, D = AnyNumber("c"), AnyNumber("d")
p = Patterns()
