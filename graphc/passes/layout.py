"""Layout: transposes go round what does not mind the order of axes, and cancel.

Before: ops spelled out and simplified.   After: no region of the graph could do with fewer elements
transposed by computing in another order of its axes.
Leaves alone: effects, nodes with control dependencies, everything of rank 1 and 2 (products of
matrices read their operands either way).

A *region* is what element-wise ops, reductions, pads, slices, joins and broadcasts connect: they
compute the same in any order of axes.  Transposes stand at its borders: a network in NCHW is such
regions between convolutions and pools, which are NHWC.  For each order that a transpose at the
border suggests we count the elements that would have to be transposed there, and rewrite the region
in the cheapest, if that is cheaper than its own.

An *order* p of a region says that its tensor ``t`` is computed as ``u``, ``t == transpose(u, p)``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.ir.dims import Shape
from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.op import Kind, Literal
from graphc.ops.reducing.reduction import Reduction
from graphc.passes.options import Options

Order = tuple[int, ...]

LEAST_RANK = 3
USUAL_SIZE = 64  # taken for a size that is not known


def layout(graph: Graph, options: Options) -> Graph:
    regions = _Regions(graph)
    chosen: dict[Tensor, Order] = {}
    for root in regions.borders():
        order = regions.cheapest(root)
        if order is not None:
            chosen[root] = order
    if not chosen:
        return graph
    return _Rewriting(graph, regions, chosen, options).run()


# --- orders ---------------------------------------------------------------------------------------


def identity(rank: int) -> Order:
    return tuple(range(rank))


def inverse(order: Order) -> Order:
    return tuple(order.index(k) for k in range(len(order)))


def composed(inner: Order, outer: Order) -> Order:
    """transpose(transpose(x, inner), outer) is transpose(x, composed(inner, outer))."""
    return tuple(inner[k] for k in outer)


def is_full(tensor: Tensor) -> bool:
    """Whether a tensor's order of axes matters: some are longer than 1, and there are enough."""
    return len(tensor.type.dims) >= LEAST_RANK and not is_line(tensor.type.dims)


def is_line(shape: Shape) -> bool:
    return sum(size != 1 for size in shape) <= 1


def weight(tensor: Tensor) -> int:
    """Elements, about."""
    count = 1
    for size in tensor.type.dims:
        count *= size if isinstance(size, int) else USUAL_SIZE
    return count


def transposes(node: Node) -> Order | None:
    """The permutation of a transpose of a full tensor."""
    if node.op.name != "transpose" or node.control or not is_full(node.outputs[0]):
        return None
    return node.op.permutation(len(node.outputs[0].type.dims))


# --- what computes the same in any order ----------------------------------------------------------


def _elementwise(op: Any, x: Tensor, to: Order) -> dict[str, Any]:
    return {}


def _along(*names: str) -> Callable[[Any, Tensor, Order], dict[str, Any]]:
    """Attributes with an entry per axis."""

    def moved(op: Any, x: Tensor, to: Order) -> dict[str, Any]:
        return {name: _moved(getattr(op, name), to) for name in names}

    return moved


def _axis(op: Any, x: Tensor, to: Order) -> dict[str, Any]:
    return {"axis": to[op.axis % len(to)]}


def _axes(op: Any, x: Tensor, to: Order) -> dict[str, Any]:
    return {"axis": tuple(sorted(to[k % len(to)] for k in op.axis))}


def _reduced(op: Any, x: Tensor, to: Order) -> dict[str, Any]:
    return {"axis": tuple(sorted(to[k] for k in op.axes(x.type)))}


def _moved(entries: Any, to: Order) -> tuple[Any, ...]:
    """``entries[k]`` at place ``to[k]``."""
    return tuple(entries[k] for k in inverse(to))


# op -> attributes with axis k of the region's tensors at to[k]
_CARRIERS: dict[str, Callable[[Any, Tensor, Order], dict[str, Any]]] = {
    "pad": _along("paddings"),
    "slice": _along("begin", "size"),
    "strided_slice": _along("begin", "size", "strides"),
    "broadcast_to": _along("shape"),
    "concat": _axis,
    "reverse": _axes,
}


def carrier(node: Node) -> Callable[[Any, Tensor, Order], dict[str, Any]] | None:
    """How a node's attributes go with an order; None where the node minds its axes."""
    op = node.op
    if op.effect or op.source or node.control or len(node.outputs) != 1 or not node.operands:
        return None
    if any(t.type.shape is None for t in (*node.operands, *node.outputs)):
        return None
    if op.kind is Kind.ELEMENTWISE:
        return _elementwise
    if isinstance(op, Reduction):
        return _reduced
    return _CARRIERS.get(op.name)


# --- regions --------------------------------------------------------------------------------------


class _Regions:
    """The regions of a graph: each is named by one of its tensors."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.parent: dict[Tensor, Tensor] = {}
        self.members: dict[Node, Tensor] = {}  # a node that carries, one of its region's tensors
        self.readers: dict[Tensor, list[Node]] = defaultdict(list)
        self.read_outside: set[Tensor] = set(graph.outputs)
        for node in graph.nodes:
            for t in dict.fromkeys(node.operands):
                self.readers[t].append(node)
            self._joined(node)

    def _joined(self, node: Node) -> None:
        if carrier(node) is None:
            return
        rank = max(len(t.type.dims) for t in (*node.operands, *node.outputs))
        tensors = [
            t for t in (*node.operands, *node.outputs)
            if is_full(t) and len(t.type.dims) == rank
        ]  # fmt: skip
        if not tensors:
            return
        first = self.root(tensors[0])
        for t in tensors[1:]:
            self.parent[self.root(t)] = first
        self.members[node] = first

    def root(self, tensor: Tensor) -> Tensor:
        while self.parent.setdefault(tensor, tensor) is not tensor:
            self.parent[tensor] = self.parent[self.parent[tensor]]
            tensor = self.parent[tensor]
        return tensor

    def has(self, tensor: Tensor) -> bool:
        return tensor in self.parent

    def borders(self) -> dict[Tensor, list[Tensor]]:
        """Of each region, the tensors that come into it or that others read."""
        if not hasattr(self, "_borders"):
            found: dict[Tensor, list[Tensor]] = defaultdict(list)
            for tensor in list(self.parent):
                outside = tensor in self.read_outside or any(
                    reader not in self.members for reader in self.readers[tensor]
                )
                if outside or not self.makes(tensor):
                    found[self.root(tensor)].append(tensor)
            self._borders = found
        return self._borders

    def makes(self, tensor: Tensor) -> bool:
        """Whether the region itself computes a tensor of its own."""
        return tensor.node in self.members

    def cheapest(self, root: Tensor) -> Order | None:
        """The order with the fewest elements transposed at the border; None to stay."""
        border = self.borders()[root]
        own = identity(len(root.type.dims))
        suggested = dict.fromkeys(order for t in border for order in self.suggestions(t))
        costs = {order: sum(self.cost(t, order) for t in border) for order in (own, *suggested)}
        best = min(costs, key=lambda order: costs[order])
        return None if costs[best] >= costs[own] else best

    def suggestions(self, tensor: Tensor) -> list[Order]:
        found = [] if self.makes(tensor) else [transposes(tensor.node)]
        found += [inverse(p) for p in map(transposes, self.readers[tensor]) if p is not None]
        return [order for order in found if order is not None]

    def cost(self, tensor: Tensor, order: Order) -> int:
        """Elements transposed for one tensor at the border."""
        own = identity(len(order))
        if not self.makes(tensor):
            given = transposes(tensor.node) or own
            free = given == order or tensor.node.op.name == "const"
            return 0 if free else weight(tensor)
        wanted = set()
        if tensor in self.read_outside:
            wanted.add(order)
        for reader in self.readers[tensor]:
            if reader not in self.members:
                wanted.add(composed(order, transposes(reader) or own))
        return weight(tensor) * len(wanted - {own})


# --- rewriting ------------------------------------------------------------------------------------


class _Rewriting:
    def __init__(
        self, graph: Graph, regions: _Regions, chosen: dict[Tensor, Order], options: Options
    ) -> None:
        self.graph = graph
        self.regions = regions
        self.chosen = chosen
        self.log = options.log
        self.change = Edit(graph)
        self.computed: dict[Tensor, Tensor] = {}  # of a region, in its new order

    def run(self) -> Graph:
        for node in self.graph.nodes:
            order = self.order_of(node)
            if order is not None:
                self.remade(node, order)
                continue
            back = transposes(node)
            source = node.operands[0] if back is not None else None
            if back is not None and source in self.computed:
                order = self.chosen[self.regions.root(source)]
                b = self.change.builder(node)
                new = self.transposed(b, self.computed[source], composed(order, back))
                self.put(b, node.outputs[0], new)
        return self.change.done()

    def order_of(self, node: Node) -> Order | None:
        tensor = self.regions.members.get(node)
        return None if tensor is None else self.chosen.get(self.regions.root(tensor))

    def remade(self, node: Node, order: Order) -> None:
        """A node of a region once more, in the region's new order."""
        b, y, move = self.change.builder(node), node.outputs[0], carrier(node)
        assert move is not None
        attributes = {**dict(node.op.values()), **move(node.op, node.operands[0], order)}
        operands = [self.inside(b, t, order) for t in node.operands]
        new = b.apply(type(node.op), operands, attributes)
        self.log.note("layout", node, f"{node.op.name} in the order {list(order)}")
        if len(y.type.dims) < len(order):
            self.put(b, y, self.rest(b, node, new, order))
        elif is_full(y):
            self.computed[y] = new
            self.put(b, y, self.transposed(b, new, order))
        else:
            self.put(b, y, self.reshaped(b, new, y.type.dims))

    def rest(self, b: Any, node: Node, new: Tensor, order: Order) -> Tensor:
        """What a reduction leaves, its axes as they were."""
        folded = set(node.op.axes(node.operands[0].type))
        places = [order[k] for k in range(len(order)) if k not in folded]
        return self.transposed(b, new, tuple(sorted(places).index(k) for k in places))

    def inside(self, b: Any, tensor: Tensor, order: Order) -> Tensor:
        """An operand in the order of the region."""
        if tensor in self.computed and len(tensor.type.dims) == len(order):
            return self.computed[tensor]
        tensor = self.change.resolve(tensor)
        shape: Shape = tensor.type.dims
        if not shape:
            return tensor
        shape = (1,) * (len(order) - len(shape)) + shape
        if is_line(shape):
            return self.reshaped(b, tensor, _moved(shape, order))
        return self.transposed(b, self.reshaped(b, tensor, shape), inverse(order))

    def reshaped(self, b: Any, tensor: Tensor, shape: Shape) -> Tensor:
        if tensor.type.dims == shape:
            return tensor
        if tensor.node.op.name == "reshape" and not tensor.node.control:
            tensor = self.change.resolve(tensor.node.operands[0])
        return tensor if tensor.type.dims == shape else b.reshape(tensor, shape=shape)

    def transposed(self, b: Any, tensor: Tensor, order: Order) -> Tensor:
        """``transpose(tensor, order)``, by the shortest way."""
        given = transposes(tensor.node)
        if given is not None:
            tensor = self.change.resolve(tensor.node.operands[0])
            order = composed(given, order)
        if order == identity(len(order)):
            return tensor
        if tensor.node.op.name == "const":
            array = tensor.node.get_attr("value").array
            return b.const(value=Literal(np.ascontiguousarray(array.transpose(order))))
        return b.transpose(tensor, perm=order)

    def put(self, b: Any, old: Tensor, new: Tensor) -> None:
        if new.type != old.type:  # the same sizes under another spelling
            new = b.reshape(new, shape=old.type.dims)
        self.change.replace(old, new)
