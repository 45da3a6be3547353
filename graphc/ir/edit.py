"""One transaction of edits to a graph: collect replacements, then build the new graph once.

A pass makes ``change = Edit(graph)``, maps tensors to other tensors
(:meth:`Edit.replace`), makes new nodes through :meth:`Edit.builder`, and calls :meth:`Edit.done`.
Nodes nobody reads any more are gone from the result; untouched nodes are shared with the old graph.
The cost is one sweep over the graph, whatever the number of edits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from graphc.errors import GraphError
from graphc.ir.bindings import Bindings
from graphc.ir.builder import Builder
from graphc.ir.collector import collector_paused
from graphc.ir.graph import Graph, Node, Tensor, infer
from graphc.ir.op import Op
from graphc.ir.source import Site
from graphc.ir.types import TensorType

MOST_SITES = 8  # lines a node remembers


class Edit:
    """Pending changes to ``graph``; the graph itself is never touched."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._map: dict[Tensor, Tensor] = {}
        self._extra_control: dict[Node, list[Node]] = {}
        self._rewired: dict[Node, tuple[tuple[Tensor, ...], tuple[Node, ...]]] = {}
        self._sites: dict[Node, tuple[Site, ...]] = {}
        self._like: Node | None = None
        self._taken: dict[str, int] = {}
        self._roots: tuple[tuple[Tensor, ...], tuple[Node, ...]] | None = None
        self._changed = False

    def building(self) -> Edit:
        return self

    def replace(self, old: Tensor, new: Tensor) -> None:
        """Every reader of ``old`` (fetches included) reads ``new`` instead."""
        if old is not new:
            self._map[old] = new
            self._changed = True

    def order(self, before: Node, after: Node) -> None:
        """Add a control edge."""
        self._extra_control.setdefault(after, []).append(before)
        self._changed = True

    def rewire(self, node: Node, operands: Sequence[Tensor], control: Iterable[Node]) -> None:
        """This one node reads ``operands`` and runs after ``control`` instead of its own."""
        wired = tuple(operands), tuple(control)
        if wired != (node.operands, node.control):
            self._rewired[node] = wired
            self._changed = True

    def add_sites(self, node: Node, sites: Iterable[Site]) -> None:
        """The node also comes from these lines of the user's program (it took another's place)."""
        known = self._sites.get(node, node.sites)
        joined = tuple(dict.fromkeys([*known, *sites]))[:MOST_SITES]
        if joined != known:
            self._sites[node] = joined

    def wiring(self, node: Node) -> tuple[tuple[Tensor, ...], tuple[Node, ...]]:
        """A node's operands and control dependencies, as rewired so far."""
        return self._rewired.get(node) or (node.operands, node.control)

    def set_roots(self, outputs: tuple[Tensor, ...], targets: tuple[Node, ...]) -> None:
        self._roots = (outputs, targets)
        self._changed = True

    def builder(self, like: Node) -> Builder:
        """Makes nodes that stand where ``like`` stood: its lines, device and scope."""
        self._like = like
        return Builder(self)

    def add(
        self,
        op: Op,
        operands: Iterable[Tensor] = (),
        name: str | None = None,
        types: Sequence[TensorType] | None = None,
        control: Iterable[Node] = (),
    ) -> Node:
        operands = tuple(operands)
        checks: tuple = ()
        if types is None:
            types, checks = infer(op, [t.type for t in operands])
        like = self._like
        stem = name or (f"{like.name}/{op.name}" if like is not None else op.name)
        return Node(
            like.graph if like is not None else self.graph, op, operands, tuple(control),
            self._fresh(stem), types, like.sites if like is not None else (),
            like.device if like is not None else "", like.forward if like is not None else None,
            checks,
        )  # fmt: skip

    def _fresh(self, stem: str) -> str:
        taken = self.graph.by_name
        if stem not in taken and stem not in self._taken:
            self._taken[stem] = 0
            return stem
        count = self._taken.get(stem, 0) + 1
        while f"{stem}_{count}" in taken or f"{stem}_{count}" in self._taken:
            count += 1
        self._taken[stem] = count
        self._taken[f"{stem}_{count}"] = 0
        return f"{stem}_{count}"

    def resolve(self, tensor: Tensor) -> Tensor:
        """What a tensor is replaced by so far."""
        while tensor in self._map:
            tensor = self._map[tensor]
        return tensor

    def done(self) -> Graph:
        """The edited graph; the same object when nothing was asked for."""
        if not self._changed:
            return self.graph
        with collector_paused():
            return _Rebuild(self).run()


class _Rebuild:
    """Walks from the roots in dependency order, remaking the nodes whose operands changed."""

    def __init__(self, edit: Edit) -> None:
        self.edit = edit
        self.made: dict[Node, Node] = {}
        self.bindings = Bindings(edit.graph.nodes)

    def run(self) -> Graph:
        edit, old = self.edit, self.edit.graph
        outputs, targets = edit._roots or (old.outputs, old.targets)
        outputs = tuple(edit.resolve(t) for t in outputs)
        targets = tuple(dict.fromkeys(self._successor(node) for node in targets))
        position = {node: k for k, node in enumerate(old.nodes)}
        roots = sorted(
            dict.fromkeys([*(t.node for t in outputs), *targets]),
            key=lambda node: position.get(node, len(position)),
        )
        order = self._sweep(roots)
        new = Graph(old.title)
        new.inputs = tuple(
            self.made[t.node].outputs[t.index] if t.node in self.made else t for t in old.inputs
        )
        new.outputs = tuple(self.made[t.node].outputs[t.index] for t in outputs)
        new.targets = tuple(self.made[node] for node in targets)
        new.seed = old.seed
        new.nodes = order
        new.by_name = {node.name: node for node in order}
        return new

    def _before(self, node: Node) -> list[Node]:
        resolve = self.edit.resolve
        operands, control = self.edit.wiring(node)
        before = [resolve(t).node for t in operands]
        before += [self._successor(c) for c in control]
        before += map(self._successor, self.bindings.before(node))
        return before + self.edit._extra_control.get(node, [])

    def _successor(self, node: Node) -> Node:
        """Where a control dependency goes when the node it named was replaced."""
        if node.outputs and all(t in self.edit._map for t in node.outputs):
            return self.edit.resolve(node.outputs[0]).node
        return node

    def _sweep(self, roots: list[Node]) -> list[Node]:
        order: list[Node] = []
        made, opened = self.made, set()
        stack: list[tuple[Node, list[Node] | None]] = [(node, None) for node in reversed(roots)]
        while stack:
            node, before = stack.pop()
            if node in made:
                continue
            if before is None:
                if node in opened:
                    raise GraphError(
                        f"{node.name} depends on itself through control dependencies",
                        site=node.site,
                    )
                opened.add(node)
                before = self._before(node)
                waiting = [n for n in before if n not in made]
                if waiting:
                    stack.append((node, before))
                    stack.extend((n, None) for n in reversed(waiting))
                    continue
            made[node] = self._remake(node)
            order.append(made[node])
        return order

    def _remake(self, node: Node) -> Node:
        resolve, made = self.edit.resolve, self.made
        read, after = self.edit.wiring(node)
        operands = tuple(made[t.node].outputs[t.index] for t in map(resolve, read))
        control = tuple(
            dict.fromkeys(
                made[c]
                for c in [*map(self._successor, after), *self.edit._extra_control.get(node, ())]
            )
        )
        sites = self.edit._sites.get(node, node.sites)
        if operands == node.operands and control == node.control and sites == node.sites:
            return node
        return Node(
            node.graph, node.op, operands, control, node.name, [t.type for t in node.outputs],
            sites, node.device, node.forward, node.checks,
        )  # fmt: skip


def extract(
    graph: Graph,
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    targets: Sequence[Node] = (),
) -> Graph:
    """The part of a user's graph that computes ``outputs`` and runs ``targets``, as a new graph."""
    part = Graph(graph.title)
    part.nodes = graph.nodes
    part.by_name = graph.by_name
    part.inputs, part.seed = tuple(inputs), graph.seed
    change = Edit(part)
    change.set_roots(tuple(outputs), tuple(targets))
    return change.done()
