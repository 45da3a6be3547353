"""Shape folding: integer tensors that only depend on shapes become constants or dims.

Before: any graph.   After: a tensor whose value is known as dims is a constant when they are
numbers, ``dim_value`` when it is one symbolic size.  Vectors with symbolic sizes stay as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir.dims import Expr
from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.op import Literal
from graphc.passes.options import Options


def shape_fold(graph: Graph, options: Options) -> Graph:
    change = Edit(graph)
    known: dict[Tensor, Any] = {}
    for node in graph.nodes:
        value = known_dims(node, known)
        if value is None:
            continue
        tensor = node.outputs[0]
        known[tensor] = value
        if node.op.name in ("const", "dim_value") or not _replaceable(value, tensor):
            continue
        b = change.builder(node)
        if isinstance(value, Expr):
            change.replace(tensor, b.dim_value(dim=value, dtype=tensor.dtype))
        else:
            array = np.asarray(value, tensor.dtype.numpy).reshape(tensor.type.shape)
            change.replace(tensor, b.const(value=Literal(array)))
        options.log.note("shape-fold", node, f"is {_shown(value)}")
    return change.done()


def known_dims(node: Node, known: dict[Tensor, Any]) -> Any:
    """What a node's output holds, as dims: a scalar, or a tuple for a vector; None when unknown."""
    op = node.op
    if len(node.outputs) != 1 or op.effect or not node.outputs[0].dtype.is_integer:
        return None
    if hasattr(op, "dims_of_type"):
        value = op.dims_of_type(*(t.type for t in node.operands))
    elif op.dims_value is None or any(t not in known for t in node.operands):
        return None
    else:
        value = op.dims_value(*(known[t] for t in node.operands))
    dims = value if isinstance(value, tuple) else (value,)
    dtype = node.outputs[0].dtype
    if any(d is None or (isinstance(d, int) and not dtype.min <= d <= dtype.max) for d in dims):
        return None  # a number that wraps around is no size
    return value


def _replaceable(value: Any, tensor: Tensor) -> bool:
    shape = tensor.type.shape
    if isinstance(value, tuple):
        return shape == (len(value),) and all(isinstance(d, int) for d in value)
    return shape == ()


def _shown(value: Any) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)
