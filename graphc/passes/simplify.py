"""Simplification: the rows of :mod:`graphc.passes.rules` and the traits of ops, to a fixed point.

Before: any graph.   After: no rule matches anywhere.
Leaves alone: effects.  Checks of sizes that a dropped node left to run time are the caller's: it
collects them before the first pass.

Nodes are visited operands first, so a rewrite sees simplified operands; what a rewrite makes is
simplified before its readers are looked at.  One sweep therefore reaches the fixed point, but for
rules that look two nodes deep through one that was replaced: so sweeps repeat until none changes
anything.
"""

from __future__ import annotations

from functools import cache

from graphc.ir.builder import Builder
from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor, infer
from graphc.ir.op import Kind
from graphc.ir.types import Mismatch
from graphc.passes.options import Options
from graphc.passes.patterns import Rule, is_exactly, matches, uniform
from graphc.passes.rules import RULES

SWEEPS = 8  # a chain of rewrites this long has never been seen; more would be a loop of rules

# An output of the operand's own type means that nothing was changed.
UNCHANGING = frozenset(
    {"reshape", "expand_dims", "squeeze", "broadcast_to", "broadcast_like", "sum_to", "cast",
     "slice", "pad", "tile", "identity", "stop_gradient", "placeholder_with_default"}
)  # fmt: skip


def simplify(graph: Graph, options: Options) -> Graph:
    for _ in range(SWEEPS):
        swept = _Sweep(graph, options).run()
        if swept is graph:
            break
        graph = swept
    return graph


@cache
def rules_by_op() -> dict[str, list[tuple[Rule, tuple[frozenset[str], ...]]]]:
    """The rules for a root op, each with the ops that some operand must come from."""
    found: dict[str, list] = {}
    for rule in RULES:
        found.setdefault(rule.pattern.op, []).append((rule, rule.needs))
    return found


@cache
def telling_ops() -> dict[str, frozenset[str]]:
    """For a root op whose every rule wants an operand from certain ops: which ops those are."""
    return {
        op: frozenset().union(*(needs[0] for _, needs in rows))
        for op, rows in rules_by_op().items()
        if all(needs for _, needs in rows)
    }


class _Sweep:
    def __init__(self, graph: Graph, options: Options) -> None:
        self.graph = graph
        self.log = options.log
        self.change = Edit(graph)
        self.rules = rules_by_op()
        self.telling = telling_ops()
        self.known = set(graph.nodes)

    def run(self) -> Graph:
        for node in self.graph.nodes:
            waiting = [node]
            while waiting:
                top = waiting.pop()
                found = self.rewritten(top)
                if found is None:
                    continue
                new, why = found
                self.change.replace(top.outputs[0], new)
                self.log.note("simplify", top, why)
                waiting += self.made(new)
        return self.change.done()

    def made(self, tensor: Tensor) -> list[Node]:
        """The nodes a rewrite made, readers first (so that operands are popped first)."""
        found: list[Node] = []
        stack = [tensor.node]
        while stack:
            node = stack.pop()
            if node not in self.known:
                self.known.add(node)
                found.append(node)
                stack += [t.node for t in node.operands]
        return found

    def rewritten(self, node: Node) -> tuple[Tensor, str] | None:
        """What to put in a node's place, and by which equation."""
        op = node.op
        if len(node.outputs) != 1 or op.effect or op.source or not node.operands:
            return None
        operands = [self.change.resolve(t) for t in node.operands]
        return self.by_trait(node, operands) or self.by_rule(node, operands)

    def by_trait(self, node: Node, operands: list[Tensor]) -> tuple[Tensor, str] | None:
        op, type = node.op, node.outputs[0].type
        if op.name in UNCHANGING and operands[0].type == type:
            return operands[0], f"{op.name} changes nothing"
        if op.kind is not Kind.ELEMENTWISE:
            return None
        if op.idempotent:
            if len(operands) == 2 and operands[0] is operands[1]:
                return operands[0], f"{op.name}(x, x) == x"
            inner = operands[0].node.op
            if len(operands) == 1 and inner == op:
                return operands[0], f"{op.name}({op.name}(x)) == {op.name}(x)"
        if op.identity_element is not None and len(operands) == 2:
            found = self.without_identity(node, operands)
            if found is not None:
                return found
        return self.without_broadcast(node, operands)

    def without_identity(self, node: Node, operands: list[Tensor]) -> tuple[Tensor, str] | None:
        """x op e == x.  A float plus 0 is left alone: it makes 0 of -0; less 0, it is itself."""
        op = node.op
        element = op.identity_element
        assert element is not None
        if op.name == "add" and node.outputs[0].dtype.is_floating:
            element = -0.0
        for at in (1, 0) if op.commutative else (1,):
            held = uniform(operands[at], self.change.resolve)
            if held is not None and is_exactly(held, element):
                fitted = self.fitted(node, operands[1 - at])
                if fitted is not None:
                    return fitted, f"x {op.name} {element} == x"
        return None

    def without_broadcast(self, node: Node, operands: list[Tensor]) -> tuple[Tensor, str] | None:
        """An elementwise op stretches its operands by itself."""
        for at, operand in enumerate(operands):
            stretched = operand.node
            if stretched.op.name != "broadcast_to":
                continue
            narrow = self.change.resolve(stretched.operands[0])
            fewer = [*operands[:at], narrow, *operands[at + 1 :]]
            try:
                types, checks = infer(node.op, [t.type for t in fewer])
            except Mismatch:
                continue
            if types == (node.outputs[0].type,) and not checks:
                b = self.change.builder(node)
                new = b.apply(type(node.op), fewer, dict(node.op.values()))
                return new, f"{node.op.name} broadcasts its operands itself"
        return None

    def by_rule(self, node: Node, operands: list[Tensor]) -> tuple[Tensor, str] | None:
        rules = self.rules.get(node.op.name)
        if not rules:
            return None
        have = {t.node.op.name for t in operands}
        telling = self.telling.get(node.op.name)
        if telling is not None and telling.isdisjoint(have):
            return None
        for rule, needs in rules:
            if not all(need & have for need in needs):
                continue
            for match in matches(rule.pattern, node.outputs[0], self.change.resolve):
                if rule.when is not None and not rule.when(match):
                    continue
                new = self.fitted(node, rule.build(self.change.builder(node), match))
                if new is not None:
                    return new, rule.equation
        return None

    def fitted(self, node: Node, new: Tensor) -> Tensor | None:
        """``new`` in the type of the node it replaces; None when it does not stretch to that."""
        type = node.outputs[0].type
        if new.type == type:
            return new
        if new.dtype is not type.dtype or None in (type.shape, new.type.shape):
            return None
        b: Builder = self.change.builder(node)
        try:
            return b.broadcast_to(new, shape=type.shape)
        except Mismatch:
            return None
