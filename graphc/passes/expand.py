"""Expansion: ops that are spelled by other ops are replaced by them.

Before: effects in sequence.   After: no node has an ``expand`` (softmax, losses, mean, assign_add
are gone), so that fusion sees element-wise work, reductions and plain assigns only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.ir.dtype import bfloat16, float16
from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor
from graphc.passes.options import Options


def expand(graph: Graph, options: Options) -> Graph:
    change = Edit(graph)
    known = set(graph.nodes)
    for node in graph.nodes:
        waiting = [node]
        while waiting:
            top = waiting.pop()
            if _expansion(top) is not None:
                waiting += _made(_replace(change, top), known)
        if _expansion(node) is not None:
            options.log.note("expand", node, f"{node.op.name} is spelled out")
    return change.done()


def _expansion(node: Node) -> Callable[..., Any] | None:
    if node.op.complex_expand is not None and node.outputs[0].dtype.is_complex:
        return node.op.complex_expand
    if node.op.half_expand is not None and node.outputs[0].dtype in (float16, bfloat16):
        return node.op.half_expand
    return node.op.expand


def _replace(change: Edit, node: Node) -> list[Tensor]:
    """Put a node's expansion in its place, with the types it had."""
    b = change.builder(node)
    expansion = _expansion(node)
    assert expansion is not None
    result = expansion(b, *map(change.resolve, node.operands))
    results = list(result) if isinstance(result, list | tuple) else [result]
    if node.control:  # an effect waits for the same effects, however it is spelled
        for made in {t.node for t in results if t.node.op.effect}:
            change.rewire(made, made.operands, (*node.control, *made.control))
    for old, new in zip(node.outputs, results, strict=True):
        if new.type != old.type:  # the same sizes under another spelling
            new = b.reshape(new, shape=old.type.shape)
        change.replace(old, new)
    return results


def _made(results: list[Tensor], known: set[Node]) -> list[Node]:
    """The nodes that an expansion made, in no particular order."""
    found: list[Node] = []
    stack = [t.node for t in results]
    while stack:
        node = stack.pop()
        if node not in known:
            known.add(node)
            found.append(node)
            stack += [t.node for t in node.operands]
    return found
