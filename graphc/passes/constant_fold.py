"""Constant folding: what depends on constants alone is computed now, by the op's NumPy reference.

Before: any graph.   After: no pure op reads only constants, unless its result would be larger than
what it reads (a broadcast stays a broadcast: it costs nothing once fused).
Leaves alone: effects, random ops, host calls, ops whose checks fail (they fail when run), dims.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir.dims import Expr
from graphc.ir.dtype import bfloat16
from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.op import Kind, Literal
from graphc.passes.options import Options

LARGEST = 1 << 16  # elements of a folded result
SMALL = 64  # a result this small is folded even if it grows


def constant_fold(graph: Graph, options: Options) -> Graph:
    change = Edit(graph)
    known: dict[Tensor, np.ndarray] = {}
    fetched = set(graph.outputs)
    for node in graph.nodes:
        if node.op.name == "const":
            known[node.outputs[0]] = node.get_attr("value").array
            continue
        if all(t in known for t in node.operands) and may_fold(node, known):
            results = evaluated(node, [known[t] for t in node.operands])
            if results is not None:
                known.update(zip(node.outputs, results, strict=True))
                for t in node.outputs:
                    if t in fetched:
                        _materialise(change, t, known, options)
                continue
        for t in node.operands:
            if t in known:
                _materialise(change, t, known, options)
    return change.done()


def may_fold(node: Node, known: dict[Tensor, np.ndarray]) -> bool:
    op = node.op
    if op.effect or op.random or op.source or not node.outputs or node.control:
        return False
    if op.kind in (Kind.HOST, Kind.EFFECT) or _has_dims(op.values()):
        return False
    tensors = (*node.operands, *node.outputs)
    if any(t.dtype.is_string or t.dtype is bfloat16 or not t.type.is_static for t in tensors):
        return False
    size = max(int(t.type.elements) for t in node.outputs)
    read = max((known[t].size for t in node.operands), default=0)
    return size <= SMALL or size <= min(read, LARGEST)


def _has_dims(values: Any) -> bool:
    return any(
        isinstance(v, Expr) or (isinstance(v, tuple) and _has_dims(enumerate(v))) for _, v in values
    )


def evaluated(node: Node, arrays: list[np.ndarray]) -> list[np.ndarray] | None:
    """The outputs by the op's reference; None when it refuses its operands' values."""
    try:
        with np.errstate(all="ignore"):
            result = node.op.reference(*arrays)
    except (ArithmeticError, LookupError, ValueError):
        return None  # the run reports it, with the values and the user's line
    results = result if isinstance(result, tuple | list) else (result,)
    return [np.asarray(r, t.dtype.numpy) for r, t in zip(results, node.outputs, strict=True)]


def _materialise(
    change: Edit, tensor: Tensor, known: dict[Tensor, np.ndarray], options: Options
) -> None:
    """Put a constant in the place of a folded tensor that is still read."""
    node = tensor.node
    if node.op.name == "const" or change.resolve(tensor) is not tensor:
        return
    value = np.ascontiguousarray(known[tensor]).reshape(known[tensor].shape)
    change.replace(tensor, change.builder(node).const(value=Literal(value)))
    options.log.note("constant-fold", node, f"{node.op.name} of constants is a constant")
