"""Copy the nodes of one graph into another, under a prefix.

What must stay true: no node of the target changes; the copies are among themselves what the
originals were.  Names, variables' keys and the paths of random ops get the prefix, so that two
copies share neither values nor random numbers.  A symbolic size whose name the target uses already
is a new size.
"""

from __future__ import annotations

from typing import Any

from graphc.errors import FinalizedGraphError, GraphError
from graphc.ir import dims
from graphc.ir.graph import Graph, Node
from graphc.ir.op import Op
from graphc.ir.source import here
from graphc.ir.types import Equal, TensorType

_NAMES = {"variable": "key", "random_state": "path"}  # the attribute that names the op's state


def graft(source: Graph, target: Graph, prefix: str = "", devices: bool = True) -> dict[Node, Node]:
    """The copy of each node of ``source``; ``prefix`` is empty or ends in ``/``."""
    taken = next((n.name for n in source.nodes if prefix + n.name in target.by_name), None)
    if taken is not None:
        raise GraphError(
            f"the graph has an operation named {prefix + taken!r} already",
            subject="import",
            hint="import under a scope of its own (import_scope=...), or into a new graph: "
            "tf.reset_default_graph()",
            site=here(),
        )
    if target.finalized:
        raise FinalizedGraphError("the graph is finalized and cannot be changed", site=here())
    sizes = _renamed_sizes(source, target)
    made: dict[Node, Node] = {}
    with target.lock:
        for node in source.nodes:
            made[node] = Node(
                target, _stated(node.op.substitute(sizes), prefix),
                tuple(made[t.node].outputs[t.index] for t in node.operands),
                tuple(made[c] for c in node.control), prefix + node.name,
                [_typed(t.type, sizes) for t in node.outputs], node.sites,
                node.device if devices else "",
                made.get(node.forward) if node.forward is not None else None,
                tuple(_checked(check, sizes) for check in node.checks),
            )  # fmt: skip
            target.adopt(made[node])
    return made


def _renamed_sizes(source: Graph, target: Graph) -> dict[str, Any]:
    """A new size for each that the target has one called alike of."""
    used = {
        symbol
        for node in source.nodes
        for output in node.outputs
        for dim in output.type.shape or ()
        for symbol in dims.symbols(dim)
    }
    clashing = sorted((s for s in used if s.name in target._dim_names), key=lambda s: s.name)
    return {s.name: target.new_dim(s.name, s.data) for s in clashing}


def _stated(op: Op, prefix: str) -> Op:
    attribute = _NAMES.get(op.name)
    if not prefix or attribute is None:
        return op
    return op.replace(**{attribute: prefix + getattr(op, attribute)})


def _typed(type: TensorType, sizes: dict[str, Any]) -> TensorType:
    if not sizes or type.shape is None:
        return type
    return type.with_shape(tuple(dims.substitute(d, sizes) for d in type.shape))


def _checked(check: Equal, sizes: dict[str, Any]) -> Equal:
    left, right = (dims.substitute(d, sizes) for d in (check.left, check.right))
    return Equal(left, right, check.what)
