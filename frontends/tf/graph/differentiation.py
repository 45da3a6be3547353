"""Gradients as TF1 spells them, over :mod:`graphc.autodiff`."""

from __future__ import annotations

from math import prod
from typing import Any

from frontends.tf.graph.indexed_slices import IndexedSlices
from frontends.tf.graph.shapes import listed
from frontends.tf.graph.tensor import convert
from graphc.autodiff import forward, reverse
from graphc.ir.builder import Builder
from graphc.ir.graph import Tensor
from graphc.ir.rows import Rows

hessian_vector_product = forward.hessian_vector_product


class AggregationMethod:
    """Accepted and ignored: cotangents are always added in pairs."""

    ADD_N = 0
    DEFAULT = 0
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


class UnconnectedGradients:
    """What ``tf.gradients`` gives where no gradient flows."""

    NONE = "none"
    ZERO = "zero"


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: Any = None,
    stop_gradients: Any = None,
    unconnected_gradients: str = UnconnectedGradients.NONE,
) -> list[Any]:
    """The derivative of ``sum(ys)`` (weighted by ``grad_ys``) in each of ``xs``, as more graph.

    A tensor each; for a variable of which only rows were read (``tf.gather``,
    ``tf.nn.embedding_lookup``) a ``tf.IndexedSlices`` of those rows.

    None where no gradient flows (``tf.why_none`` says why), or zeros with
    ``unconnected_gradients="zero"``.  ``stop_gradients`` are taken as constants.

    >>> dw, db = tf.gradients(loss, [w, b])
    >>> d2x, = tf.gradients(tf.gradients(y, x), x)
    """
    parts = reverse.row_gradients(
        ys, xs, grad_ys, () if stop_gradients is None else stop_gradients,
        name=name or "gradients", colocate=colocate_gradients_with_ops,
    )  # fmt: skip
    found = [_as_found(part) if isinstance(part, Rows) else part for part in parts]
    if unconnected_gradients == UnconnectedGradients.NONE:
        return found
    if unconnected_gradients != UnconnectedGradients.ZERO:
        raise ValueError(
            f"unconnected_gradients is 'none' or 'zero', got {unconnected_gradients!r}"
        )
    from frontends.tf.functions.arrays import zeros_like

    return [zeros_like(x) if g is None else g for g, x in zip(found, listed(xs), strict=True)]


def _as_found(rows: Rows) -> Any:
    """The rows of a variable, or of a read of it; other tensors have dense gradients."""
    node = rows.like.node
    while node.op.passes_rows:
        node = node.operands[0].node
    if node.op.name == "variable":
        return IndexedSlices.of_rows(rows)
    return rows.dense(Builder(rows.like.graph))


def jvp(ys: Any, xs: Any, tangents: Any = None, name: str = "jvp") -> list[Tensor | None]:
    """How each of ``ys`` moves when ``xs`` move along ``tangents`` (default: ones); None: it does
    not.

    >>> dy, = tf.jvp(y, x, v)
    """
    return forward.jvp(ys, xs, tangents, name=name)


def hessians(
    ys: Any, xs: Any, name: str = "hessians", colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False, aggregation_method: Any = None,
) -> list[Tensor]:  # fmt: skip
    """The Hessian of the sum of ``ys`` in each x, whose sizes are known: [*x.shape, *x.shape]."""
    from frontends.tf.functions.arrays import reshape, stack

    out = []
    for x in listed(xs):
        tensor = convert(x)
        shape = tensor.type.shape
        if shape is None or not all(isinstance(d, int) for d in shape):
            raise ValueError(f"hessians needs known sizes, got {tensor.type}")
        (slope,) = reverse.gradients(ys, tensor)
        if slope is None:
            raise ValueError(f"ys do not depend on {tensor.name}: {why_none(ys, tensor)}")
        each = reshape(slope, [-1])
        rows = [
            gradients(each[k], tensor, unconnected_gradients="zero")[0] for k in range(prod(shape))
        ]
        out.append(reshape(stack(rows or [tensor]), (*shape, *shape), name=name))
    return out


def why_none(ys: Any, x: Any) -> str:
    """Why ``tf.gradients(ys, x)`` is None: the ops that blocked it, with their lines and
    reasons."""
    return reverse.why_none(ys, x)
