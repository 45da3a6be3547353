"""Losses that learn distances: examples of one label near each other, others far."""

from __future__ import annotations

from typing import Any

from frontends.tf.graph.tensor import builder, convert
from frontends.tf.networks.nn import softmax_cross_entropy_with_logits_v2
from graphc.ir.builder import Builder
from graphc.ir.dtype import float32
from graphc.ir.graph import Tensor


def _same_labels(b: Builder, labels: Any) -> Tensor:
    """bool [batch, batch]: whether two examples have one label."""
    given = convert(labels)
    flat = b.reshape(given, shape=(given.type.elements,))
    return b.equal(b.expand_dims(flat, axis=1), b.expand_dims(flat, axis=0))


def _squared_distances(b: Builder, x: Tensor) -> Tensor:
    """[batch, batch], 0 on the diagonal."""
    squares = b.reduce_sum(b.square(x), axis=(1,), keepdims=True)
    products = b.matmul(x, x, transpose_b=True)
    apart = b.sub(b.add(squares, b.transpose(squares, perm=(1, 0))), b.mul(products, 2.0))
    return b.mul(b.maximum(apart, 0.0), b.sub(1.0, _diagonal(b, x)))


def _diagonal(b: Builder, x: Tensor) -> Tensor:
    size = x.type.dims[0]
    places = [b.axis_position(shape=(size, size), axis=k) for k in (0, 1)]
    return b.cast(b.equal(*places), dtype=x.dtype)


def triplet_semihard_loss(labels: Any, embeddings: Any, margin: float = 1.0) -> Tensor:
    """The mean over pairs of one label of ``max(0, margin + d(a, p) - d(a, n))``, where n is the
    nearest example of another label that is farther than p, else the farthest (Schroff et al.,
    2015).

    labels: int [batch]; embeddings: float32 [batch, size], of unit length.  d is squared.
    """
    x = convert(embeddings)
    b = builder(x)
    with b.home.name_scope("triplet_semihard_loss"):
        same = _same_labels(b, labels)
        apart = _squared_distances(b, x)
        others = b.cast(b.logical_not(same), dtype=x.dtype)
        to_positive, to_negative = b.expand_dims(apart, axis=2), b.expand_dims(apart, axis=1)
        farther = b.cast(b.greater(to_negative, to_positive), dtype=x.dtype)
        farther = b.mul(farther, b.expand_dims(others, axis=1))
        most = b.reduce_max(apart, axis=(1,), keepdims=True)
        least = b.reduce_min(apart, axis=(1,), keepdims=True)
        over = b.mul(b.sub(to_negative, b.expand_dims(most, axis=2)), farther)
        nearest = b.add(b.reduce_min(over, axis=(2,)), most)
        farthest = b.add(
            b.reduce_max(b.mul(b.sub(apart, least), others), axis=(1,), keepdims=True), least
        )
        some = b.greater(b.reduce_sum(farther, axis=(2,)), 0.0)
        negative = b.where(some, nearest, b.add(farthest, b.zeros_like(nearest)))
        positives = b.sub(b.cast(same, dtype=x.dtype), _diagonal(b, x))
        losses = b.mul(b.sub(b.add(apart, margin), negative), positives)
        total = b.reduce_sum(b.maximum(losses, 0.0), axis=None)
        return b.truediv(total, b.reduce_sum(positives, axis=None), name="triplet_semihard_loss")


def npairs_loss(
    labels: Any, embeddings_anchor: Any, embeddings_positive: Any, reg_lambda: float = 0.002,
    print_losses: bool = False,
) -> Tensor:  # fmt: skip
    """Cross entropy that tells each anchor's positive from the others' (Sohn, 2016), and a penalty
    on the embeddings' sizes.

    labels: int [batch]; embeddings: [batch, size].
    """
    anchor, positive = convert(embeddings_anchor), convert(embeddings_positive)
    b = builder(anchor, positive)
    with b.home.name_scope("npairs_loss"):
        sizes = [
            b.reduce_mean(b.reduce_sum(b.square(t), axis=(1,)), axis=None)
            for t in (anchor, positive)
        ]
        penalty = b.mul(b.add(*sizes), 0.25 * reg_lambda)
        alike = b.cast(_same_labels(b, labels), dtype=anchor.dtype)
        targets = b.truediv(alike, b.reduce_sum(alike, axis=(1,), keepdims=True))
        scores = b.matmul(anchor, positive, transpose_b=True)
        losses = softmax_cross_entropy_with_logits_v2(b.stop_gradient(targets), scores)
        return b.add(penalty, b.reduce_mean(losses, axis=None))


def contrastive_loss(
    labels: Any, embeddings_anchor: Any, embeddings_positive: Any, margin: float = 1.0
) -> Tensor:
    """The mean of ``d**2`` for pairs of label 1 and of ``max(0, margin - d)**2`` for label 0
    (Hadsell et al., 2006); d is the distance of a pair.

    labels: [batch] of 0 and 1; embeddings: [batch, size].
    """
    anchor, positive = convert(embeddings_anchor), convert(embeddings_positive)
    b = builder(anchor, positive)
    with b.home.name_scope("contrastive_loss"):
        apart = b.sqrt(b.reduce_sum(b.squared_difference(anchor, positive), axis=(1,)))
        near = b.cast(convert(labels), dtype=float32)
        pull = b.mul(near, b.square(apart))
        push = b.mul(b.sub(1.0, near), b.square(b.maximum(b.sub(margin, apart), 0.0)))
        return b.reduce_mean(b.add(pull, push), axis=None, name="contrastive_loss")
