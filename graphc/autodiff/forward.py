"""Forward mode: how the ys move when the xs move.

An op may say its own ``jvp(self, b, tangents, y, *operands)`` (tangents hold None where an operand
does not move; the result is the tangent of the output, or a tuple of them).  Ops that do not are
differentiated by transposing their ``vjp``: the vjp is linear in its cotangent ``u``, so the
gradient of ``<vjp(u), t>`` with respect to ``u`` is ``J t`` whatever ``u`` is (the double-backward
trick, J. Townsend, 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.autodiff.reverse import (
    Sweep,
    as_tensors,
    between,
    gradients,
    pull_back,
    same_graph,
    seeds,
)
from graphc.errors import GraphError
from graphc.ir.builder import Builder
from graphc.ir.graph import Node, Tensor
from graphc.ir.op import NotDifferentiable
from graphc.ir.source import here


def jvp(ys: Any, xs: Any, tangents: Any = None, *, name: str = "jvp") -> list[Tensor | None]:
    """The directional derivative of each of ``ys`` when ``xs`` move along ``tangents``.

    ``tangents`` entries may be None for ones.  None in the result means that y does not move.  An x
    that another x depends on moves by its own tangent plus what it inherits, so that this is the
    transpose of :func:`graphc.autodiff.reverse.gradients`.

        (dy,) = jvp([y], [x], [v])
    """
    ys, xs = as_tensors(ys, "y"), as_tensors(xs, "x")
    if not ys or not xs:
        return [None] * len(ys)
    same_graph(ys[0].graph, (*ys, *xs))
    with ys[0].graph.name_scope(name):
        b = Builder(ys[0].graph)
        moving: dict[Tensor, Tensor] = {}
        for x, tangent in zip(xs, seeds(b, xs, tangents), strict=True):
            _move(b, moving, x, tangent)
        for node in between(ys, xs, ()):
            given = [moving.get(t) for t in node.operands]
            if any(t is not None for t in given):
                with node.graph.gradient_of(node):
                    for y, tangent in zip(node.outputs, push_forward(b, node, given), strict=True):
                        _move(b, moving, y, tangent)
        return [moving.get(y) for y in ys]


def hessian_vector_product(y: Any, xs: Any, vs: Any, *, name: str = "hvp") -> list[Tensor | None]:
    """``H v`` for the Hessian of the scalar ``y`` in ``xs``, without forming it.

    Reverse over reverse: the gradient of ``<gradients(y, xs), vs>``.
    """
    xs, vs = as_tensors(xs, "x"), list(vs) if isinstance(vs, list | tuple) else [vs]
    if len(vs) != len(xs):
        raise GraphError(f"{len(xs)} xs and {len(vs)} vs; give one for each", site=here())
    graph = as_tensors(y, "y")[0].graph
    with graph.name_scope(name):
        first = gradients(y, xs)
        pairs = [(g, v) for g, v in zip(first, vs, strict=True) if g is not None]
        return gradients([g for g, _ in pairs], xs, [v for _, v in pairs])


def push_forward(
    b: Builder, node: Node, tangents: Sequence[Tensor | None]
) -> Sequence[Tensor | None]:
    """The tangents of a node's outputs, by its own ``jvp`` or by transposing its ``vjp``."""
    op = node.op
    if op.jvp is None:
        return _transposed(b, node, tangents)
    y = node.outputs[0] if len(node.outputs) == 1 else node.outputs
    moved = op.jvp(b, list(tangents), y, *node.operands)
    return [moved] if len(node.outputs) == 1 else list(moved)


def _transposed(
    b: Builder, node: Node, tangents: Sequence[Tensor | None]
) -> Sequence[Tensor | None]:
    if isinstance(node.op.vjp, NotDifferentiable):
        return [None] * len(node.outputs)
    # u is fresh (never y or an operand), so nothing but the vjp's own cotangent carries it.
    us = [b.identity(y) if y.dtype.is_differentiable else None for y in node.outputs]
    pulled = pull_back(b, node, us, [t is not None for t in tangents])
    pairs = [(g, t) for g, t in zip(pulled, tangents, strict=True) if isinstance(g, Tensor)]
    known = [u for u in us if u is not None]
    if not pairs or not known:
        return [None] * len(node.outputs)
    sweep = Sweep(b, [g for g, _ in pairs], known, {*node.operands, *node.outputs})
    moved = iter(sweep.run([t for _, t in pairs]))
    return [None if u is None else next(moved) for u in us]


def _move(b: Builder, moving: dict[Tensor, Tensor], tensor: Tensor, by: Tensor | None) -> None:
    if by is None:
        return
    held = moving.get(tensor)
    moving[tensor] = by if held is None else b.add(held, by)
