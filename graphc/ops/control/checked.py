"""Branches and loops whose bodies check all that they compute, to find where a NaN comes from."""

from __future__ import annotations

from typing import Any

from graphc.ir.bindings import data_sizes
from graphc.ir.body import Body
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.graph import Node, Tensor

SOURCES = ("const", "variable", "placeholder", "check_numerics")


def checked_twin(node: Node) -> Node:
    """A node beside one that has bodies, of the same operands, which fails at the first NaN or
    infinity that a turn or a branch computes; what the bodies print is left out."""
    graph = node.graph
    new: dict[str, Dim] = {
        name: graph.new_dim(name.split("_")[0], data=True)
        for name in data_sizes(getattr(node.op, "sizes", ()))
    }
    op = _with_checks(node.op.substitute(new))
    return graph.add(op, node.operands, name=f"{node.name}_checked")


def _with_checks(op: Any) -> Any:
    found = {key: _checked(value) for key, value in op.values() if isinstance(value, Body)}
    return op.replace(**found) if found else op


def _checked(body: Body) -> Body:
    """The body with a check behind every floating value that it computes."""
    inputs = body.graph.inputs[1:]

    def function(step: Tensor, *given: Tensor) -> list[Tensor]:
        b = Builder(step.graph)
        known: dict[Tensor, Tensor] = dict(zip(body.graph.inputs, (step, *given), strict=True))
        for node in body.graph.nodes:
            if not node.outputs or all(t in known for t in node.outputs):
                continue
            if node.has_effect and node.op.name == "print":
                known[node.outputs[0]] = known[node.operands[0]]
                continue
            operands = [known[t] for t in node.operands]
            copied = step.graph.add(_with_checks(node.op), operands, name=node.name)
            copied.sites = node.sites
            for old, value in zip(node.outputs, copied.outputs, strict=True):
                known[old] = _check(b, old, value)
        return [known[t] for t in body.graph.outputs]

    return Body.of(function, [(t.node.name, t.type) for t in inputs])


def _check(b: Builder, tensor: Tensor, value: Tensor) -> Tensor:
    if not tensor.dtype.is_floating or tensor.node.op.name in SOURCES:
        return value
    return b.check_numerics(value, message=told(tensor))


def told(tensor: Tensor) -> str:
    """What a check says of the tensor it checks."""
    site = tensor.node.site
    return f"{tensor.name}, made {site.describe()}" if site else tensor.name
