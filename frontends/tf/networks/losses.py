"""``tf.losses``: weighted means of errors, gathered in a collection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from frontends.tf.functions.math import _one_of, axes_of
from frontends.tf.graph.building import GraphKeys, add_to_collection, get_collection
from frontends.tf.graph.tensor import builder, convert, known_rank
from frontends.tf.names.forwards import alike
from frontends.tf.networks import nn
from graphc.errors import ShapeError
from graphc.ir.dtype import float32
from graphc.ir.graph import Tensor
from graphc.ir.source import here
from graphc.ir.types import same_dim


class Reduction:
    """How a loss becomes one number."""

    NONE = "none"
    SUM = "weighted_sum"
    MEAN = "weighted_mean"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    SUM_OVER_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        return cls.NONE, cls.SUM, cls.MEAN, cls.SUM_OVER_BATCH_SIZE, cls.SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def validate(cls, key: str) -> None:
        if key not in cls.all():
            raise ValueError(f"reduction must be one of tf.losses.Reduction, got {key!r}")


def __getattr__(name: str) -> Any:
    from frontends.tf.names.missing import elsewhere

    return elsewhere("losses", name, lambda: [n for n in globals() if n[0] != "_"])


def compute_weighted_loss(
    losses: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """``losses * weights``, reduced to one number (unless ``reduction`` is NONE) and collected.

    ``weights`` is a scalar, or has the rank of ``losses`` and along each axis its size or 1.
    """
    Reduction.validate(reduction)
    if weights is None:
        raise ValueError("weights must be given")
    values = convert(losses)
    b = builder(values)
    with b.home.name_scope(scope or "weighted_loss"):
        x = values if values.dtype.is_floating else b.cast(values, dtype=float32)
        weight = convert(weights)
        if weight.dtype is not x.dtype:
            weight = b.cast(weight, dtype=x.dtype)
        _check_weights(weight, x)
        loss = _reduced(b, x, weight, b.mul(x, weight), reduction)
        if loss.dtype is not values.dtype:
            loss = b.cast(loss, dtype=values.dtype)
    if loss_collection:
        add_to_collection(loss_collection, loss)
    return loss


def _check_weights(weight: Tensor, values: Tensor) -> None:
    given, wanted = weight.type.shape, values.type.shape
    if not given or wanted is None:
        return
    fits = len(given) == len(wanted) and all(
        d == 1 or same_dim(d, n, "weights") is not None for d, n in zip(given, wanted, strict=True)
    )
    if not fits:
        raise ShapeError(
            "weights must be a scalar, or have the losses' rank and sizes, or size 1 along an axis",
            rows=[("weights", str(weight.type), ""), ("losses", str(values.type), "")],
            hint="tf.squeeze or tf.reshape the weights",
            site=here(),
        )


def _reduced(b: Any, values: Tensor, weight: Tensor, weighted: Tensor, reduction: str) -> Tensor:
    if reduction == Reduction.NONE:
        return weighted
    total = b.reduce_sum(weighted, axis=None)
    if reduction == Reduction.SUM:
        return total
    if reduction == Reduction.SUM_OVER_BATCH_SIZE:
        count = b.cast(b.size(values), dtype=values.dtype)
    else:
        spread = b.add(weight, b.zeros_like(values))
        if reduction != Reduction.MEAN:
            spread = b.cast(b.not_equal(spread, 0), dtype=values.dtype)
        count = b.reduce_sum(spread, axis=None)
    return b.div_no_nan(total, count, name="value")


def _pair(labels: Any, predictions: Any) -> tuple[Any, Tensor, Tensor]:
    """A builder, labels and predictions as float32; their shapes must agree."""
    x, target = _given(labels, predictions)
    b = builder(x, target)
    x, target = (t if t.dtype is float32 else b.cast(t, dtype=float32) for t in (x, target))
    return b, target, x


def _given(labels: Any, predictions: Any) -> tuple[Tensor, Tensor]:
    if labels is None or predictions is None:
        raise ValueError("labels and predictions must be given")
    x = convert(predictions)
    target = convert(labels)
    x.shape.assert_is_compatible_with(target.shape)  # type: ignore[attr-defined]
    return x, target


@contextmanager
def _scoped(scope: str | None, default: str, *values: Any) -> Iterator[str]:
    with builder(*values).home.name_scope(scope or default) as title:
        yield title


def mean_squared_error(
    labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str =
    Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """The mean of ``(predictions - labels) ** 2``; shapes must agree; float32."""
    with _scoped(scope, "mean_squared_error", predictions, labels) as title:
        b, target, x = _pair(labels, predictions)
        values = b.squared_difference(x, target)
        return compute_weighted_loss(values, weights, title, loss_collection, reduction)


def absolute_difference(
    labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str =
    Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """The mean of ``|predictions - labels|``; float32."""
    with _scoped(scope, "absolute_difference", predictions, labels) as title:
        b, target, x = _pair(labels, predictions)
        values = b.abs(b.sub(x, target))
        return compute_weighted_loss(values, weights, title, loss_collection, reduction)


def huber_loss(
    labels: Any, predictions: Any, weights: Any = 1.0, delta: float = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str =
    Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """``e*e/2`` where ``|e| <= delta``, ``delta * (|e| - delta/2)`` beyond (Huber, 1964)."""
    with _scoped(scope, "huber_loss", predictions, labels) as title:
        b, target, x = _pair(labels, predictions)
        error = b.abs(b.sub(x, target))
        near = b.minimum(error, float(delta))
        values = b.add(b.mul(b.square(near), 0.5), b.mul(b.sub(error, near), float(delta)))
        return compute_weighted_loss(values, weights, title, loss_collection, reduction)


def log_loss(
    labels: Any, predictions: Any, weights: Any = 1.0, epsilon: float = 1e-7, scope: str | None =
    None, loss_collection: str | None = GraphKeys.LOSSES, reduction: str =
    Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """The mean of ``-labels * log(p + epsilon) - (1 - labels) * log(1 - p + epsilon)``."""
    with _scoped(scope, "log_loss", predictions, labels) as title:
        b, target, p = _pair(labels, predictions)
        yes = b.mul(target, b.log(b.add(p, epsilon)))
        no = b.mul(b.sub(1.0, target), b.log(b.add(b.sub(1.0, p), epsilon)))
        values = b.neg(b.add(yes, no))
        return compute_weighted_loss(values, weights, title, loss_collection, reduction)


def hinge_loss(
    labels: Any, logits: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str =
    Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """The mean of ``max(0, 1 - (2 * labels - 1) * logits)``; labels are 0 or 1."""
    with _scoped(scope, "hinge_loss", logits, labels) as title:
        b, target, x = _pair(labels, logits)
        signs = b.sub(b.mul(target, 2.0), 1.0)
        values = b.relu(b.sub(1.0, b.mul(signs, x)))
        return compute_weighted_loss(values, weights, title, loss_collection, reduction)


def cosine_distance(
    labels: Any, predictions: Any, axis: int | None = None, weights: Any = 1.0,
    scope: str | None = None, loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS, dim: int | None = None,
) -> Tensor:  # fmt: skip
    """The mean of ``1 - sum(labels * predictions)`` along ``axis``; both are of unit length."""
    chosen = axes_of(_one_of(axis, dim, "axis", "dim"))
    if chosen is None:
        raise ValueError("axis must be given")
    with _scoped(scope, "cosine_distance_loss", predictions, labels) as title:
        b, target, x = _pair(labels, predictions)
        along = b.reduce_sum(b.mul(x, target), axis=(chosen,), keepdims=True)
        values = b.sub(1.0, along)
        return compute_weighted_loss(values, weights, title, loss_collection, reduction)


def mean_pairwise_squared_error(
    labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
) -> Tensor:  # fmt: skip
    """The mean, over pairs of elements of an example, of the square of how much the difference of
    the two predictions is off the difference of the two labels; summed over the batch.

    ``weights`` is a scalar, or has one number per example: [batch, 1, ...].
    """
    with _scoped(scope, "mean_pairwise_squared_error", predictions, labels):
        b, target, x = _pair(labels, predictions)
        weight = convert(weights)
        weight = weight if weight.dtype is float32 else b.cast(weight, dtype=float32)
        _check_weights(weight, target)
        off = b.sub(x, target)
        others = tuple(range(1, known_rank(off, "mean_pairwise_squared_error")))
        present = b.add(b.cast(b.not_equal(weight, 0.0), dtype=float32), b.zeros_like(off))
        count = b.reduce_sum(present, axis=others, keepdims=True)
        pairs = b.maximum(b.sub(count, 1.0), 0.0)
        squares = b.reduce_sum(b.square(off), axis=others, keepdims=True)
        sums = b.square(b.reduce_sum(off, axis=others, keepdims=True))
        own = b.mul(b.div_no_nan(squares, pairs), 2.0)
        shared = b.mul(b.div_no_nan(sums, b.mul(count, pairs)), 2.0)
        total = b.reduce_sum(b.mul(b.sub(own, shared), weight), axis=None)
        some = b.greater(b.reduce_sum(count, axis=None), 0.0)
        loss = b.where(some, total, b.zeros_like(total), name="value")
    if loss_collection:
        add_to_collection(loss_collection, loss)
    return loss


def softmax_cross_entropy(
    onehot_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0,
    scope: str | None = None, loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """Softmax cross entropy with labels [..., classes]; no gradient flows to the labels.

    ``label_smoothing`` moves that share of each label to all classes alike.
    """
    with _scoped(scope, "softmax_cross_entropy_loss", logits, onehot_labels) as title:
        x, target = _given(onehot_labels, logits)
        b = builder(x)
        target = target if target.dtype is x.dtype else b.cast(target, dtype=x.dtype)
        if label_smoothing > 0:
            classes = target.type.dims[1]
            share = b.truediv(float(label_smoothing), b.dim_value(dim=classes, dtype=x.dtype))
            target = b.add(b.mul(target, 1.0 - label_smoothing), share)
        fixed = b.stop_gradient(target, name="labels_stop_gradient")
        values = nn.softmax_cross_entropy_with_logits_v2(fixed, x, name="xentropy")
        return compute_weighted_loss(values, weights, title, loss_collection, reduction)


def sparse_softmax_cross_entropy(
    labels: Any, logits: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str =
    Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """Softmax cross entropy with labels that are class numbers [...] or [..., 1]; ``weights`` may
    have a last axis of size 1 more, too."""
    if labels is None or logits is None:
        raise ValueError("labels and logits must be given")
    with _scoped(scope, "sparse_softmax_cross_entropy_loss", logits, labels) as title:
        scores, target, weight = convert(logits), convert(labels), convert(weights)
        if target.type.rank is not None and target.type.rank == scores.type.rank:
            target = builder(target).squeeze(target, axis=(-1,))
        if None not in (weight.type.rank, target.type.rank) and (
            weight.type.rank == (target.type.rank or 0) + 1
        ):
            weight = builder(weight).squeeze(weight, axis=(-1,))
        values = nn.sparse_softmax_cross_entropy_with_logits(
            labels=target, logits=scores, name="xentropy"
        )
        return compute_weighted_loss(values, weight, title, loss_collection, reduction)


def sigmoid_cross_entropy(
    multi_class_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0,
    scope: str | None = None, loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """The mean sigmoid cross entropy; ``label_smoothing`` moves labels that share of the way to
    1/2."""
    with _scoped(scope, "sigmoid_cross_entropy_loss", logits, multi_class_labels) as title:
        x, target = _given(multi_class_labels, logits)
        b = builder(x)
        target = target if target.dtype is x.dtype else b.cast(target, dtype=x.dtype)
        if label_smoothing > 0:
            target = b.add(b.mul(target, 1.0 - label_smoothing), 0.5 * label_smoothing)
        values = nn.sigmoid_cross_entropy_with_logits(labels=target, logits=x, name="xentropy")
        return compute_weighted_loss(values, weights, title, loss_collection, reduction)


def add_loss(loss: Any, loss_collection: str = GraphKeys.LOSSES) -> None:
    """Count a loss of your own among the losses."""
    if loss_collection:
        add_to_collection(loss_collection, loss)


def get_losses(scope: str | None = None, loss_collection: str = GraphKeys.LOSSES) -> list[Tensor]:
    """The losses that ``tf.losses`` collected, scalars, without those of regularizers.

    ``scope``: a regular expression that their names must begin with.
    """
    return get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Tensor]:
    """What regularizers gave for their variables, scalars; ``scope`` as for :func:`get_losses`."""
    return get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(
    scope: str | None = None, name: str = "total_regularization_loss"
) -> Tensor:
    """The sum of the regularization losses; 0 when there are none."""
    found = get_regularization_losses(scope)
    return builder(*found).add_n(*found, name=name) if found else convert(0.0)


def get_total_loss(
    add_regularization_losses: bool = True, name: str = "total_loss", scope: str | None = None
) -> Tensor:
    """The sum of all losses collected so far (in ``scope``)."""
    regularization = get_regularization_losses(scope) if add_regularization_losses else []
    found = get_losses(scope) + regularization
    if not found:
        raise ValueError("no losses were collected")
    tensors = alike(found)
    return builder(*tensors).add_n(*tensors, name=name)
